"""The shape of a message on its way out and on its way in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import EventId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something happens: the request or the event behind it, and the W3C trace it belongs to ("" = none)."""

    correlation_id: str
    causation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An event on its way to the outbox. The key of its Kafka record is the order id."""

    event_id: EventId
    order_id: OrderId
    occurred_at: datetime
    event: Event
    cause: Cause


class Record(NamedTuple):
    """A Kafka record to produce. Headers are UTF-8 encoded, but for those of a copied record."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A record that is sent on as it came, with headers added. `encoding`: how its value stands in a text."""

    key: bytes | None
    encoding: Literal["text", "base64", "none"]
    headers: tuple[tuple[str, bytes], ...]


class Acked(NamedTuple):
    """The broker has the record."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The record is not known to be in the topic. `permanent` means that no further attempt can succeed."""

    reason: str
    permanent: bool = False


class Publisher(Protocol):
    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        """Produces all, waits for every delivery report, answers in the order given. Never raises for a record's
        failure.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A record as it came from the topic; nothing in it is decoded or trusted yet. `assignment`: under which of the
    partition's assignments to this process.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    assignment: int = 0


class Stream(Protocol):
    """One member of a consumer group. The others may be called while a fetch is under way; a hold waits for its end."""

    async def fetch(self) -> Sequence[Delivery]:
        """The next batch in topic order; waits a bounded moment, then answers empty."""
        ...

    async def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Moves the group's offsets behind these deliveries (of partitions still owned)."""
        ...

    async def hold(self) -> None:
        """Keeps the membership alive for a moment without fetching (while the database is away)."""
        ...

    def owns(self, delivery: Delivery) -> bool:
        """False once the delivery's partition was taken away since it was fetched."""
        ...
