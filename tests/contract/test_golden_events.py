"""Every event version ever published, as it is on the wire. A file here is never changed: a change is a new version."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ordersys.domain.orders.events import OrderCancelled, OrderCreated, OrderedItem, RefundRequested
from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined, PaymentRefunded, PaymentVoided
from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import CustomerId, EventId, FlightId, OrderId
from ordersys.domain.shared.money import Money
from ordersys.domain.tickets.events import IssuedTicket, TicketIssued, TicketRejected, TicketVoided
from ordersys.entrypoint.consumers.dispatch import decode
from ordersys.messaging.envelope import Cause, Delivery, Outgoing, Record
from ordersys.messaging.inbox import read
from ordersys.messaging.relay import to_record
from ordersys.messaging.topics import STREAMS
from tests.contract.world import World

FILES = Path(__file__).parent / "golden"
ORDER = OrderId(UUID("01939b2e-0000-7000-8000-000000000001"))
FLIGHT = FlightId(UUID("01939b2e-0000-7000-8000-0000000000f1"))
EVENT = EventId(UUID("01939b2e-0000-7000-8000-0000000000e1"))
TOTAL = Money(amount=1_080_000, currency="RUB")
CAUSE = Cause(
    correlation_id="01939b2e-0000-7000-8000-0000000000c1",
    causation_id="01939b2e-0000-7000-8000-0000000000c2",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
EXAMPLES: list[Event] = [
    OrderCreated(
        order_id=ORDER,
        customer_id=CustomerId("клиент-1"),
        items=(OrderedItem(flight_id=FLIGHT, seats=2, unit_price=Money(amount=540_000, currency="RUB")),),
        total=TOTAL,
        payment_method="pm_ok",
    ),
    OrderCancelled(order_id=ORDER, total=TOTAL, payment_method="pm_ok", reason="передумал"),
    RefundRequested(order_id=ORDER, reason="передумал"),
    PaymentAuthorized(order_id=ORDER, amount=TOTAL, authorization_id="auth_01939b2e"),
    PaymentDeclined(order_id=ORDER, reason="card_declined"),
    PaymentVoided(order_id=ORDER),
    PaymentRefunded(order_id=ORDER, amount=TOTAL),
    TicketIssued(
        order_id=ORDER,
        tickets=(
            IssuedTicket(number="9990000000001", flight_id=FLIGHT, seat="1A"),
            IssuedTicket(number="9990000000002", flight_id=FLIGHT, seat="1B"),
        ),
    ),
    TicketRejected(order_id=ORDER, reason="refused_by_airline"),
    TicketVoided(order_id=ORDER, numbers=("9990000000001", "9990000000002")),
]


def golden(event_type: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FILES / f"{event_type}.json").read_text(encoding="utf-8"))
    return content


def shown(record: Record) -> dict[str, Any]:
    """A record as the golden files have it: the value as the very text that is sent."""
    return {
        "topic": record.topic,
        "key": (record.key or b"").decode(),
        "headers": {name: value.decode() for name, value in record.headers},
        "value": (record.value or b"").decode(),
    }


def subclasses(of: type[Event]) -> Iterator[type[Event]]:
    for one in of.__subclasses__():
        if one.__module__.startswith("ordersys."):
            yield one
        yield from subclasses(one)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.TYPE)
async def test_an_event_is_published_as_it_always_was(world: World, event: Event) -> None:
    at = datetime(2026, 12, 1, 9, 30, 15, 250_000, tzinfo=UTC)
    async with world.unit_of_work.begin() as transaction:
        await transaction.outbox.append(
            [Outgoing(event_id=EVENT, order_id=ORDER, occurred_at=at, event=event, cause=CAUSE)]
        )

    (row,) = await world.queue.due(list(range(64)), 1)

    assert shown(to_record(row, "ordersys.")) == golden(event.TYPE)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.TYPE)
def test_what_was_published_once_can_be_read_for_ever(event: Event) -> None:
    known = golden(event.TYPE)
    delivery = Delivery(
        topic=known["topic"],
        partition=0,
        offset=0,
        key=known["key"].encode(),
        value=known["value"].encode(),
        headers={name: value.encode() for name, value in known["headers"].items()},
    )

    message = read(delivery, frozenset({event.TYPE}), decode)

    assert message
    assert (message.event, message.event_id, message.order_id, message.cause) == (event, EVENT, ORDER, CAUSE)


def test_every_event_has_its_golden_file() -> None:
    types = {event.TYPE for event in subclasses(Event)}

    assert types == {event.TYPE for event in EXAMPLES} == {path.stem for path in FILES.glob("*.json")}


def test_every_event_names_its_version_stream_and_source() -> None:
    for event in subclasses(Event):
        name, version = event.TYPE.removeprefix("ordersys.").split(".")
        assert name == event.__name__
        assert version.removeprefix("v").isdigit()
        assert event.STREAM in STREAMS
        assert event.SOURCE.endswith("-service")
