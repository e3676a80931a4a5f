"""The outbox: events written in the transaction of the change they tell of, and read by the relay.

Invariant: a row leaves the queue only by a fenced move to the archive, after the broker has acknowledged it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID
from zlib import crc32

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import EventId, Ids, OrderId
from ordersys.messaging.envelope import Acked, Cause, Copy, Outgoing

SHARDS: Final = 64


def shard_of(order_id: UUID) -> int:
    """All events of one order are in one shard, and one worker owns a shard: that keeps their order."""
    return crc32(order_id.bytes) % SHARDS


def outgoing(event: Event, *, order_id: OrderId, at: datetime, cause: Cause, ids: Ids) -> Outgoing:
    return Outgoing(event_id=EventId(ids.new()), order_id=order_id, occurred_at=at, event=event, cause=cause)


class Outbox(Protocol):
    async def append(self, events: Sequence[Outgoing]) -> None:
        """Writes the events, in this order, into the transaction at hand."""
        ...


# Tuples, like Record and Acked: the relay makes some ten thousands of each a second.
class OutboxRow(NamedTuple):
    """An event, or a copy of a record, that waits to be published. `attempts` are the failed ones so far."""

    id: int
    event_id: EventId
    order_id: OrderId
    stream: str
    type: str
    source: str
    payload: str
    cause: Cause
    shard: int
    occurred_at: datetime
    attempts: int
    copy: Copy | None = None


class PublishedRow(NamedTuple):
    row: OutboxRow
    topic: str
    ack: Acked


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPublish:
    """A publish that failed. It is tried again after `delay` seconds, or never (None): then the row is parked."""

    row: OutboxRow
    error: str
    delay: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRow:
    """A row whose last attempt failed. A parked one is not tried again, and holds back the later ones of its order."""

    id: int
    event_id: UUID
    order_id: UUID
    type: str
    attempts: int
    error: str
    next_attempt_at: datetime
    parked_at: datetime | None


class OutboxQueue(Protocol):
    async def due(self, shards: Sequence[int], limit: int, under_way: Sequence[OutboxRow] = ()) -> Sequence[OutboxRow]:
        """The oldest rows of these shards, without orders that have a row `under_way`, or an earlier row waiting for
        its next attempt or parked.
        """
        ...

    async def archive(self, published: Sequence[PublishedRow], tokens: Mapping[int, int]) -> int:
        """Moves rows to the archive if this worker still holds their shards under these tokens. Answers how many
        moved.
        """
        ...

    async def defer(self, failed: Sequence[FailedPublish]) -> None:
        """Counts the failed attempts and says when the next ones are due."""
        ...


class ShardLeases(Protocol):
    """The shares of the workers in the outbox. Every claim has a new token, so that an earlier owner is fenced off."""

    async def balance(self, *, returning: bool) -> Mapping[int, int]:
        """Renews what is held, gives back what is more than a fair share, claims what is free. Answers shard -> token.

        `returning`: the process has just started; what its name still holds is taken back at once, under new tokens.
        """
        ...

    async def renew(self) -> None:
        """Extends what is held and changes nothing else."""
        ...

    async def release(self) -> None:
        """Gives everything back at once, so that another worker need not wait for the lease to run out."""
        ...
