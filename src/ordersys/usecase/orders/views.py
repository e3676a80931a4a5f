"""What callers see of an order. The fields are public: they are the JSON of the API (docs/reference/http.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ordersys.domain.orders.order import Order
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    flight_id: FlightId
    seats: int
    unit_price: Money


# The payments context has its own types for these; a test compares them.
GatewayCallName = Literal["authorize", "capture", "release"]
PaymentOutcomeName = Literal["captured", "released"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """`awaiting`: the call to the gateway that the payment waits for; `attempts` counts the tries of it, and
    `next_attempt_at` is when it is made again, at the latest. `outcome`: what the payment came to, once it is settled.
    """

    status: str
    method: str
    amount: Money
    attempts: int
    awaiting: GatewayCallName | None = None
    outcome: PaymentOutcomeName | None = None
    authorization_id: str | None = None
    reason: str | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    number: str
    flight_id: FlightId
    seat: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """`payment` is None until the payment-service knows the order, `tickets` is empty until they are issued."""

    id: OrderId
    status: str
    items: Sequence[ItemView]
    total: Money
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
    payment: PaymentView | None = None
    tickets: Sequence[TicketView] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """`next_cursor` is None on the last page."""

    items: Sequence[OrderView]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxView:
    """`id` is the row's own, which `ordersys outbox` takes."""

    id: int
    event_id: str
    type: str
    producer: str
    occurred_at: datetime
    status: str
    attempts: int
    correlation_id: str
    causation_id: str
    published_at: datetime | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxView:
    consumer: str
    event_id: str
    type: str
    status: str
    attempts: int
    processed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    from_status: str | None
    to_status: str
    at: datetime
    reason: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryView:
    consumer: str
    event_id: str
    type: str
    attempts: int
    next_attempt_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowDeadLetter:
    id: str
    consumer: str
    event_id: str | None
    type: str | None
    status: str
    attempts: int
    error: str
    created_at: datetime


# For operators: check that the roles run, unpark the row of the outbox, replay the dead letter, run the audit.
Action = Literal["check_status", "unpark", "replay_dead_letter", "audit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPending:
    """An event to be published; `attempts` 0: no worker has taken it yet. `id` is the row's own."""

    kind: Literal["outbox_pending"] = "outbox_pending"
    event: str
    event_id: str
    id: int
    attempts: int
    error: str | None
    until: datetime | None
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxParked:
    """An event that Kafka will never take as it is. `id` is the row's own."""

    kind: Literal["outbox_parked"] = "outbox_parked"
    event: str
    event_id: str
    id: int
    attempts: int
    error: str | None
    until: datetime | None
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingHandler:
    """A published event that is not in the inbox of one of its consumers."""

    kind: Literal["awaiting_handler"] = "awaiting_handler"
    consumer: str
    event: str
    event_id: str
    topic: str | None
    partition: int | None
    offset: int | None
    until: datetime | None
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """An event that a consumer could not handle, and will try again."""

    kind: Literal["retrying"] = "retrying"
    consumer: str
    event: str
    event_id: str
    attempts: int
    error: str
    until: datetime | None
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedDeadLetter:
    """A record that a consumer could not handle. `event` and `event_id` are None if the record is unreadable."""

    kind: Literal["dead_letter"] = "dead_letter"
    consumer: str
    event: str | None
    event_id: str | None
    id: str
    attempts: int
    error: str
    until: datetime | None
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingGateway:
    """A call to the payment gateway; `attempts` 0: it was not made yet."""

    kind: Literal["awaiting_gateway"] = "awaiting_gateway"
    call: GatewayCallName
    status: str
    attempts: int
    error: str | None
    until: datetime | None
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingEvent:
    """Every event of the order was handled, and none is on its way."""

    kind: Literal["awaiting_event"] = "awaiting_event"
    until: datetime | None
    action: Action | None


# `event` is a type, as in `outbox[].type`. `until`: when it moves or ends by itself, at the latest; None: never.
WaitingFor = (
    OutboxPending | OutboxParked | AwaitingHandler | Retrying | UnresolvedDeadLetter | AwaitingGateway | AwaitingEvent
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWorkflow:
    """What is recorded of the saga of an order."""

    order: OrderView
    payment: PaymentView | None
    tickets: Sequence[TicketView]
    outbox: Sequence[OutboxView]
    inbox: Sequence[InboxView]
    history: Sequence[HistoryView]
    retries: Sequence[RetryView]
    dead_letters: Sequence[WorkflowDeadLetter]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowView(StoredWorkflow):
    """`waiting_for` is None if nothing is left to do."""

    waiting_for: WaitingFor | None = None


def order_view(order: Order) -> OrderView:
    return OrderView(
        id=order.id,
        status=order.status,
        items=tuple(
            ItemView(flight_id=item.flight_id, seats=item.seats, unit_price=item.unit_price) for item in order.items
        ),
        total=order.total,
        created_at=order.created_at,
        updated_at=order.updated_at,
        reason=order.reason,
    )
