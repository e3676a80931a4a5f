"""The state machine of an order. All transitions are in the table `PATHS`.

Events of one order arrive over several topics, and more than once. So a move may find the order ahead of it (a no-op:
the path is empty) or a step behind (the path includes the implied steps).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ordersys.domain.orders.errors import IllegalMove
from ordersys.domain.shared.ids import CustomerId, FlightId, OrderId
from ordersys.domain.shared.money import Money


class Status(StrEnum):
    CREATED = "CREATED"
    PAYMENT_AUTHORIZED = "PAYMENT_AUTHORIZED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    REFUND_PENDING = "REFUND_PENDING"
    REFUNDED = "REFUNDED"


FINAL: Final = frozenset({Status.COMPLETED, Status.CANCELLED, Status.REFUNDED})
# An order that reaches one of these releases its seats.
WITHOUT_SEATS: Final = frozenset({Status.CANCELLED, Status.REFUNDED})


class Move(StrEnum):
    AUTHORIZE = "authorize"
    COMPLETE = "complete"
    CANCEL = "cancel"
    REQUEST_REFUND = "request_refund"
    REFUND = "refund"


PATHS: Final[Mapping[tuple[Status, Move], tuple[Status, ...]]] = {
    (Status.CREATED, Move.AUTHORIZE): (Status.PAYMENT_AUTHORIZED,),
    (Status.CREATED, Move.COMPLETE): (Status.PAYMENT_AUTHORIZED, Status.COMPLETED),
    (Status.CREATED, Move.CANCEL): (Status.CANCELLED,),
    (Status.PAYMENT_AUTHORIZED, Move.AUTHORIZE): (),
    (Status.PAYMENT_AUTHORIZED, Move.COMPLETE): (Status.COMPLETED,),
    (Status.PAYMENT_AUTHORIZED, Move.CANCEL): (Status.CANCELLED,),
    (Status.COMPLETED, Move.AUTHORIZE): (),
    (Status.COMPLETED, Move.COMPLETE): (),
    (Status.COMPLETED, Move.REQUEST_REFUND): (Status.REFUND_PENDING,),
    # A late payment or late tickets: the service that issued them undoes them itself.
    (Status.CANCELLED, Move.AUTHORIZE): (),
    (Status.CANCELLED, Move.COMPLETE): (),
    (Status.CANCELLED, Move.CANCEL): (),
    (Status.CANCELLED, Move.REFUND): (),
    (Status.REFUND_PENDING, Move.AUTHORIZE): (),
    (Status.REFUND_PENDING, Move.COMPLETE): (),
    (Status.REFUND_PENDING, Move.REQUEST_REFUND): (),
    (Status.REFUND_PENDING, Move.REFUND): (Status.REFUNDED,),
    (Status.REFUNDED, Move.AUTHORIZE): (),
    (Status.REFUNDED, Move.COMPLETE): (),
    (Status.REFUNDED, Move.REQUEST_REFUND): (),
    (Status.REFUNDED, Move.REFUND): (),
}


def path(status: Status, move: Move) -> tuple[Status, ...]:
    """Returns the statuses that `move` leads through, in order; empty if the order is already there.

    Raises IllegalMove.
    """
    try:
        return PATHS[status, move]
    except KeyError:
        raise IllegalMove(status, move) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Seats on one flight, at the price when the order was placed."""

    flight_id: FlightId
    seats: int
    unit_price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: OrderId
    customer_id: CustomerId
    status: Status
    items: tuple[Item, ...]
    total: Money
    payment_method: str
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
