from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ordersys.domain.shared.clock import Clock
from ordersys.usecase.dead_letters.ports import (
    DeadLetterContent,
    DeadLetterPage,
    DeadLetterReads,
    DeadLetterStatus,
    Forecast,
)
from ordersys.usecase.dead_letters.resolve_dead_letters import DeadLetterNotFound
from ordersys.usecase.shared.cursor import position


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeadLetters:
    reads: DeadLetterReads

    async def execute(
        self, *, status: DeadLetterStatus | None, consumer: str | None, cursor: str | None, limit: int
    ) -> DeadLetterPage:
        return await self.reads.page(status=status, consumer=consumer, before=position(cursor), limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeadLetter:
    reads: DeadLetterReads

    async def execute(self, dead_letter_id: UUID) -> DeadLetterContent:
        """Raises DeadLetterNotFound."""
        content = await self.reads.content(dead_letter_id)
        if content is None:
            raise DeadLetterNotFound
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReplay:
    """`inbox_window`: how long the inbox keeps handled events."""

    reads: DeadLetterReads
    clock: Clock
    inbox_window: timedelta

    async def execute(self, ids: Sequence[UUID] | None, consumer: str | None = None) -> Sequence[Forecast]:
        """Returns a forecast for these dead letters, or for all new ones. Changes nothing."""
        chosen = await self.reads.new(consumer) if ids is None else ids
        found = await self.reads.forecast(chosen, inbox_since=self.clock.now() - self.inbox_window)
        if ids and not found:
            raise DeadLetterNotFound
        return found
