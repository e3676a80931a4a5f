"""Dead letters as operators see them, and the ports of the use cases that resolve them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from ordersys.messaging.envelope import Delivery
from ordersys.messaging.retry_queue import RetryQueue
from ordersys.messaging.unit_of_work import CommitHooks


class DeadLetterStatus(StrEnum):
    """A replayed dead letter whose message fails again becomes NEW again."""

    NEW = "NEW"
    REPLAYED = "REPLAYED"
    DISCARDED = "DISCARDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterView:
    """`resolved_by`: the operator who last replayed or discarded it. The ids are null if the record is unreadable."""

    id: UUID
    consumer: str
    event_id: UUID | None
    order_id: UUID | None
    type: str | None
    topic: str
    partition: int
    offset: int
    attempts: int
    error: str
    status: DeadLetterStatus
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterPage:
    items: Sequence[DeadLetterView]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterContent:
    """A dead letter with its record. Undecodable bytes are shown as replacement characters."""

    letter: DeadLetterView
    key: str | None
    value: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The expected effect of a replay.

    `handled`: the consumer already handled the event, so nothing would happen. `older_than_inbox`: older than the inbox
    retention, so it might be handled twice. `order_finished`: the order has a final status. `after_later_event`: the
    consumer already handled a later event of the order.
    """

    letter: DeadLetterView
    handled: bool
    older_than_inbox: bool
    order_finished: bool
    after_later_event: bool


class Fate(StrEnum):
    """The outcome of a replay."""

    WAITING = "waiting"
    HANDLED = "handled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedDeadLetter:
    id: UUID
    consumer: str
    status: DeadLetterStatus
    delivery: Delivery


class DeadLetterResolutions(Protocol):
    async def lock(self, ids: Iterable[UUID]) -> Mapping[UUID, LockedDeadLetter]:
        """Returns the existing dead letters, locked until the transaction ends."""
        ...

    async def resolve(self, ids: Iterable[UUID], status: DeadLetterStatus, *, by: str) -> None: ...


class DeadLetterTransaction(CommitHooks, Protocol):
    @property
    def resolutions(self) -> DeadLetterResolutions: ...
    @property
    def retries(self) -> RetryQueue: ...


class DeadLetterReads(Protocol):
    async def page(
        self, *, status: DeadLetterStatus | None, consumer: str | None, before: UUID | None, limit: int
    ) -> DeadLetterPage:
        """Returns a page, newest first."""
        ...

    async def content(self, dead_letter_id: UUID) -> DeadLetterContent | None: ...

    async def new(self, consumer: str | None) -> Sequence[UUID]:
        """Returns the ids of new dead letters, oldest first."""
        ...

    async def forecast(self, ids: Sequence[UUID], *, inbox_since: datetime) -> Sequence[Forecast]: ...

    async def fates(self, ids: Sequence[UUID]) -> Mapping[UUID, Fate]:
        """Returns the outcomes of replayed dead letters."""
        ...
