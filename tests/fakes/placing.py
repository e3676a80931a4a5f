"""Orders that are there before a test begins."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from ordersys.domain.orders.order import Order
from ordersys.domain.shared.ids import FlightId
from ordersys.messaging.envelope import Outgoing
from ordersys.usecase.orders.ports import IdempotencyKey, OrderTransaction, Placement, StoredAnswer
from tests.fakes.clock import NOON

SINCE: Final = NOON - timedelta(hours=24)


def placement(
    orders: Sequence[Order] = (),
    *,
    seats: Mapping[FlightId, int] | None = None,
    events: Sequence[Outgoing] = (),
    answers: Mapping[IdempotencyKey, StoredAnswer] | None = None,
) -> Placement:
    return Placement(seats=seats or {}, orders=orders, events=events, answers=answers or {})


async def add(transaction: OrderTransaction, orders: Sequence[Order]) -> None:
    """The orders alone: without seats, events and answers."""
    await transaction.placements.write(placement(orders), at=NOON, since=SINCE)
