"""Dead letters as operators deal with them, and what the use cases need for it from outside."""

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
    """A replayed letter whose message fails again is new again."""

    NEW = "NEW"
    REPLAYED = "REPLAYED"
    DISCARDED = "DISCARDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterView:
    """`resolved_by` is who replayed or discarded it last. The ids are null when its bytes could not be read."""

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
    """A letter with its record. Bytes that are no text are shown with replacement characters."""

    letter: DeadLetterView
    key: str | None
    value: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a replay of a letter would meet.

    `handled`: its consumer has handled the event; nothing would happen. `older_than_inbox`: so old that the inbox may
    have forgotten that it was handled. `order_finished`: its order has reached its end. `after_later_event`: the
    consumer has handled a later event of its order already.
    """

    letter: DeadLetterView
    handled: bool
    older_than_inbox: bool
    order_finished: bool
    after_later_event: bool


class Fate(StrEnum):
    """What became of a replay."""

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
        """Those that exist, locked until the transaction ends."""
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
        """The newest first."""
        ...

    async def content(self, dead_letter_id: UUID) -> DeadLetterContent | None: ...

    async def new(self, consumer: str | None) -> Sequence[UUID]:
        """The new ones, the oldest first."""
        ...

    async def forecast(self, ids: Sequence[UUID], *, inbox_since: datetime) -> Sequence[Forecast]: ...

    async def fates(self, ids: Sequence[UUID]) -> Mapping[UUID, Fate]:
        """Of letters that were replayed."""
        ...
