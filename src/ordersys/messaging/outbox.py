"""The outbox: events written in the transaction of the change that they describe, and read by the relay.

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
    """Returns the shard of an order. All events of an order share it, and one worker owns it: that preserves order."""
    return crc32(order_id.bytes) % SHARDS


def outgoing(event: Event, *, order_id: OrderId, at: datetime, cause: Cause, ids: Ids) -> Outgoing:
    return Outgoing(event_id=EventId(ids.new()), order_id=order_id, occurred_at=at, event=event, cause=cause)


class Outbox(Protocol):
    async def append(self, events: Sequence[Outgoing]) -> None:
        """Writes the events, in this order, into the current transaction."""
        ...


# Tuples, like Record and Acked: the relay creates tens of thousands of each per second.
class OutboxRow(NamedTuple):
    """An unpublished event, or a copy of a record. `attempts`: the failed attempts so far."""

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
    """A failed publish. It is retried after `delay` seconds; None: never, so the row is parked."""

    row: OutboxRow
    error: str
    delay: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRow:
    """A row whose last attempt failed. A parked row is not retried, and blocks later rows of its order."""

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
        """Returns the oldest rows of these shards, without orders that have a row in `under_way`, or an earlier row
        that is parked or waits for its next attempt.
        """
        ...

    async def archive(self, published: Sequence[PublishedRow], tokens: Mapping[int, int]) -> int:
        """Moves rows to the archive if this worker still holds their shards under these tokens. Returns the number of
        moved rows.
        """
        ...

    async def defer(self, failed: Sequence[FailedPublish]) -> None:
        """Counts the failed attempts and schedules the next ones."""
        ...


class ShardLeases(Protocol):
    """Leases on the shards of the outbox. Every claim gets a new token, which fences off the previous owner."""

    async def balance(self, *, returning: bool) -> Mapping[int, int]:
        """Renews held leases, releases those above a fair share, claims free shards. Returns shard -> token.

        `returning`: the process has just started; it reclaims the leases of its own name immediately, with new tokens.
        """
        ...

    async def renew(self) -> None:
        """Extends the held leases, and changes nothing else."""
        ...

    async def release(self) -> None:
        """Releases all leases, so that other workers need not wait until they expire."""
        ...
