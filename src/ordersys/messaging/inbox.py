"""The inbox: the events that each consumer has handled. Its insert is the first statement of the batch's transaction.

Invariant: an event's inbox row and its effects are in one transaction, so an effect happens exactly once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.envelope import Cause, Delivery


# A tuple, like OutboxRow and Record: a consumer creates tens of thousands per second.
class Message(NamedTuple):
    """A delivery with decoded headers and payload."""

    event_id: EventId
    order_id: OrderId
    type: str
    event: Event
    cause: Cause
    delivery: Delivery

    def caused(self) -> Cause:
        """Returns the cause for changes that this event leads to."""
        return Cause(
            correlation_id=self.cause.correlation_id,
            causation_id=str(self.event_id),
            traceparent=self.cause.traceparent,
        )


class Inbox(Protocol):
    async def claim(self, consumer: str, messages: Sequence[Message]) -> set[EventId]:
        """Marks the events as handled by this consumer. Returns those that were not marked before."""
        ...

    async def claim_free(
        self, consumer: str, messages: Sequence[Message], *, passing: Collection[EventId]
    ) -> set[EventId]:
        """Does the same, except for dead letters and for events that must wait because their order has a message in the
        retry queue. Messages in `passing` do not block others.
        """
        ...


class Unreadable(Exception):
    """The delivery cannot be decoded as an event; further attempts would fail too."""


class Decoder(Protocol):
    def __call__(self, event_type: str, payload: bytes) -> Event:
        """Raises Unreadable."""
        ...


# Raises ValueError. The consumer uses a faster parser than uuid's own, as it parses two ids per message.
ParseId = Callable[[str], UUID]


def read(delivery: Delivery, subscribed: frozenset[str], decode: Decoder, parse_id: ParseId = UUID) -> Message | None:
    """Returns the message in a delivery, or None if its type is not subscribed to. Raises Unreadable."""
    headers = delivery.headers
    event_type = _text(headers, "ce_type")
    if event_type not in subscribed:
        return None
    return Message(
        event_id=EventId(_uuid(headers, "ce_id", parse_id)),
        order_id=OrderId(_uuid(headers, "ce_subject", parse_id)),
        type=event_type,
        event=decode(event_type, delivery.value or b""),
        cause=Cause(
            correlation_id=_text(headers, "correlationid", ""),
            causation_id=_text(headers, "causationid", ""),
            traceparent=_text(headers, "traceparent", ""),
        ),
        delivery=delivery,
    )


def identified(delivery: Delivery) -> tuple[EventId, OrderId, str]:
    """Returns the event id, order id and type of a delivery. Raises Unreadable."""
    headers = delivery.headers
    return EventId(_uuid(headers, "ce_id")), OrderId(_uuid(headers, "ce_subject")), _text(headers, "ce_type")


def _text(headers: Mapping[str, bytes], name: str, default: str | None = None) -> str:
    value = headers.get(name)
    if value is None:
        if default is None:
            raise Unreadable(f"header {name} is missing")
        return default
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Unreadable(f"header {name} is not UTF-8") from None


def _uuid(headers: Mapping[str, bytes], name: str, parse: ParseId = UUID) -> UUID:
    try:
        return parse(_text(headers, name))
    except ValueError:
        raise Unreadable(f"header {name} is not a UUID") from None
