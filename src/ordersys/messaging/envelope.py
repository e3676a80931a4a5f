"""The types of outgoing and incoming messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import EventId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The origin of a change: the request or event that caused it, and its W3C trace ("" = none)."""

    correlation_id: str
    causation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An event to write to the outbox. The key of its Kafka record is the order id."""

    event_id: EventId
    order_id: OrderId
    occurred_at: datetime
    event: Event
    cause: Cause


class Record(NamedTuple):
    """A Kafka record to produce. Headers are UTF-8, except those of a copied record."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A record forwarded unchanged, with added headers. `encoding`: how its value is stored as text."""

    key: bytes | None
    encoding: Literal["text", "base64", "none"]
    headers: tuple[tuple[str, bytes], ...]


class Acked(NamedTuple):
    """The broker acknowledged the record."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The record may not be in the topic. `permanent`: no further attempt can succeed."""

    reason: str
    permanent: bool = False


class Publisher(Protocol):
    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        """Produces the records and waits for every delivery report. Returns the results in the given order. A failed
        record never raises.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A record as consumed, not decoded yet. `assignment`: number of the partition's assignment to this process."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    assignment: int = 0


class Stream(Protocol):
    """A member of a consumer group. Other calls are allowed during a fetch; `hold` waits until it ends."""

    async def fetch(self) -> Sequence[Delivery]:
        """Returns the next batch in topic order; empty if none arrives within a bounded time."""
        ...

    async def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Commits the offsets after these deliveries, for partitions that are still owned."""
        ...

    async def hold(self) -> None:
        """Keeps the membership alive for a moment without fetching, while the database is unavailable."""
        ...

    def owns(self, delivery: Delivery) -> bool:
        """Returns False if the partition was revoked after the delivery was fetched."""
        ...
