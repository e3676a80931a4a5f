import pytest

from ordersys.domain.orders.events import OrderCreated
from ordersys.entrypoint.consumers.dispatch import decode
from ordersys.messaging.envelope import Cause, Delivery
from ordersys.messaging.inbox import Message, Unreadable, read
from tests.fakes.making import delivery, event_id, message, order_created, order_id

TYPES = frozenset({OrderCreated.TYPE})


def reading(delivered: Delivery) -> Message | None:
    return read(delivered, TYPES, decode)


def without(name: str) -> Delivery:
    delivered = delivery(1)
    left = {key: value for key, value in delivered.headers.items() if key != name}
    return Delivery(
        topic=delivered.topic, partition=0, offset=1, key=delivered.key, value=delivered.value, headers=left
    )


def test_a_message_is_read_from_headers_and_value() -> None:
    found = reading(delivery(7, order=2))

    assert found
    assert (found.event_id, found.order_id, found.event) == (event_id(7), order_id(2), order_created(2))


def test_what_a_message_causes_names_it_as_the_cause() -> None:
    original = message(7)

    assert original.caused() == Cause(
        correlation_id=original.cause.correlation_id,
        causation_id=str(event_id(7)),
        traceparent=original.cause.traceparent,
    )


def test_a_type_that_is_not_subscribed_to_is_passed_over_unread() -> None:
    assert reading(delivery(1, headers={"ce_type": b"ordersys.OrderShipped.v1", "ce_id": b"?"})) is None


@pytest.mark.parametrize("name", ["ce_type", "ce_id", "ce_subject"])
def test_a_missing_header_is_unreadable(name: str) -> None:
    with pytest.raises(Unreadable, match=f"header {name} is missing"):
        reading(without(name))


@pytest.mark.parametrize("name", ["correlationid", "causationid", "traceparent"])
def test_a_message_can_do_without_a_trace(name: str) -> None:
    assert reading(without(name))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ce_type", b"\xff", "not UTF-8"),
        ("ce_id", b"\xff", "not UTF-8"),
        ("ce_id", b"1", "not a UUID"),
        ("ce_subject", b"", "not a UUID"),
        ("correlationid", b"\xff", "not UTF-8"),
    ],
)
def test_a_broken_header_is_unreadable(name: str, value: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=f"header {name} is {reason}"):
        reading(delivery(1, headers={name: value}))
