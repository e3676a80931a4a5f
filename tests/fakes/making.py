"""Orders, events and commands that tests speak in; each takes only what the test is about."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ordersys.domain.orders.events import OrderCreated, OrderedItem
from ordersys.domain.orders.order import Item, Order, Status
from ordersys.domain.orders.placing import Offer, SeatRequest
from ordersys.domain.payments.payment import Charge
from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import CustomerId, EventId, FlightId, OrderId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.messaging.envelope import Cause, Delivery, Outgoing
from ordersys.messaging.inbox import Message
from ordersys.usecase.orders.place_orders import PlaceOrder
from ordersys.usecase.orders.ports import IdempotencyKey
from tests.fakes.clock import NOON

ANNA = CustomerId("anna")
BORIS = CustomerId("boris")
CAUSE = Cause(correlation_id="request-1", traceparent="00-11111111111111111111111111111111-2222222222222222-01")


def order_id(number: int) -> OrderId:
    return OrderId(UUID(int=0x0_0001 << 64 | number))


def flight_id(number: int) -> FlightId:
    return FlightId(UUID(int=0xF_0000 << 64 | number))


def event_id(number: int) -> EventId:
    return EventId(UUID(int=0xE_0000 << 64 | number))


def rub(amount: int) -> Money:
    return Money(amount=amount, currency="RUB")


def offer(
    number: int = 1, *, price: int = 1000, currency: str = "RUB", left: int = 10, departs_at: datetime | None = None
) -> Offer:
    return Offer(
        flight_id=flight_id(number),
        price=Money(amount=price, currency=currency),
        seats_left=left,
        departs_at=departs_at or NOON + timedelta(days=1),
    )


def want(number: int = 1, seats: int = 1) -> SeatRequest:
    return SeatRequest(flight_id=flight_id(number), seats=seats)


def place(
    *wanted: SeatRequest,
    key: str = "k1",
    customer: CustomerId = ANNA,
    body: bytes = b"body",
    expected: Money | None = None,
) -> PlaceOrder:
    return PlaceOrder(
        customer_id=customer,
        items=wanted or (want(),),
        payment_method="pm_ok",
        expected_total=expected,
        idempotency=IdempotencyKey(customer_id=customer, route="POST /orders", key=key),
        fingerprint=body,
        cause=CAUSE,
    )


def order(
    number: int = 1,
    *items: Item,
    status: Status = Status.CREATED,
    customer: CustomerId = ANNA,
    reason: str | None = None,
    created_at: datetime = NOON,
) -> Order:
    bought = items or (item(),)
    return Order(
        id=order_id(number),
        customer_id=customer,
        status=status,
        items=bought,
        total=rub(sum(one.seats * one.unit_price.amount for one in bought)),
        payment_method="pm_ok",
        created_at=created_at,
        updated_at=created_at,
        reason=reason,
    )


def item(number: int = 1, seats: int = 1, price: int = 1000) -> Item:
    return Item(flight_id=flight_id(number), seats=seats, unit_price=rub(price))


def charge(number: int = 1, *, method: str = "pm_ok", amount: int = 1000) -> Charge:
    return Charge(order_id=order_id(number), amount=rub(amount), method=method)


def order_created(number: int = 1) -> OrderCreated:
    bought = OrderedItem(flight_id=flight_id(1), seats=1, unit_price=rub(1000))
    return OrderCreated(
        order_id=order_id(number), customer_id=ANNA, items=(bought,), total=rub(1000), payment_method="pm_ok"
    )


def outgoing(number: int, *, order: int = 1, event: Event | None = None, cause: Cause = CAUSE) -> Outgoing:
    return Outgoing(
        event_id=event_id(number),
        order_id=order_id(order),
        occurred_at=NOON,
        event=event or order_created(order),
        cause=cause,
    )


def delivery(
    number: int,
    *,
    event: Event | None = None,
    order: int = 1,
    headers: Mapping[str, bytes] | None = None,
    partition: int = 0,
) -> Delivery:
    """Offset and event id follow `number`; `headers` replace what they name."""
    event = event or order_created(order)
    own = {
        "ce_type": event.TYPE.encode(),
        "ce_id": str(event_id(number)).encode(),
        "ce_subject": str(order_id(order)).encode(),
        "correlationid": CAUSE.correlation_id.encode(),
        "traceparent": CAUSE.traceparent.encode(),
    }
    return Delivery(
        topic=f"test.{event.STREAM}",
        partition=partition,
        offset=number,
        key=own["ce_subject"],
        value=to_json(event).encode(),
        headers=own | dict(headers or {}),
    )


def message(number: int, *, event: Event | None = None, order: int = 1) -> Message:
    event = event or order_created(order)
    return Message(
        event_id=event_id(number),
        order_id=order_id(order),
        type=event.TYPE,
        event=event,
        cause=CAUSE,
        delivery=delivery(number, event=event, order=order),
    )


def messages(*numbers: int) -> Sequence[Message]:
    return [message(number) for number in numbers]
