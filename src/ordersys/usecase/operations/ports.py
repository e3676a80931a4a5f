"""What the use cases of operators need from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxBacklog:
    """Events that were not published yet, the age of the oldest in seconds, and how many of them are parked."""

    pending: int
    oldest_pending_seconds: float
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLag:
    """`lag`: records behind the end of the partition."""

    consumer: str
    topic: str
    partition: int
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessages:
    """Messages that wait for another attempt, and when the next one is due."""

    consumer: str
    waiting: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDeadLetters:
    consumer: str
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counters for rates, which are the difference of two looks. PostgreSQL's own statistics, so they are a moment late
    (up to ten seconds while little happens) and begin again when it crashes. `finished` steps back when a refund
    begins.
    """

    orders: int
    published: int
    processed: int
    finished: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What the database knows; of consumers, those that have something."""

    outbox: OutboxBacklog
    retries: Sequence[KeptMessages]
    dead_letters: Sequence[OpenDeadLetters]
    totals: Totals


class BacklogReads(Protocol):
    async def backlog(self) -> Backlog:
        """One moment. Raises Unavailable."""
        ...


class PartitionLags(Protocol):
    async def partitions(self) -> Sequence[PartitionLag]:
        """Of every consumer and partition, whether a member is alive or not. Raises Unavailable."""
        ...
