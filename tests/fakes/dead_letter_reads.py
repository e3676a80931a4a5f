"""DeadLetterReads and Letters in memory; tests/contract holds them to what PostgreSQL does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from ordersys.domain.orders.order import FINAL
from ordersys.usecase.dead_letters.ports import (
    DeadLetterContent,
    DeadLetterPage,
    DeadLetterStatus,
    DeadLetterView,
    Fate,
    Forecast,
    LockedDeadLetter,
)
from tests.fakes.clock import NOON
from tests.fakes.memory import Changes
from tests.fakes.retry_queue import StoredLetter

if TYPE_CHECKING:
    from tests.fakes.messaging import MessagingTables
    from tests.fakes.unit_of_work import FakeDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeDeadLetterResolutions:
    tables: "MessagingTables"
    changes: Changes

    async def lock(self, ids: Iterable[UUID]) -> Mapping[UUID, LockedDeadLetter]:
        wanted = set(ids)
        places = [key for key, one in self.changes.rows(self.tables.letters).items() if one.id in wanted]
        await self.changes.lock(self.tables.letters, places)
        found = (self.changes.rows(self.tables.letters)[place] for place in places)
        return {
            one.id: LockedDeadLetter(
                id=one.id, consumer=one.letter.consumer, status=DeadLetterStatus(one.status), delivery=one.delivery
            )
            for one in found
        }

    async def resolve(self, ids: Iterable[UUID], status: DeadLetterStatus, *, by: str) -> None:
        wanted = set(ids)
        for place, one in self.changes.rows(self.tables.letters).items():
            if one.id in wanted:
                self.changes.put(self.tables.letters, place, replace(one, status=status, by=by))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeDeadLetterReads:
    database: "FakeDatabase"

    async def page(
        self, *, status: DeadLetterStatus | None, consumer: str | None, before: UUID | None, limit: int
    ) -> DeadLetterPage:
        found = [
            _view(one)
            for one in reversed(self._letters())
            if status in (None, one.status)
            and consumer in (None, one.letter.consumer)
            and (before is None or one.id < before)
        ]
        shown = found[:limit]
        return DeadLetterPage(items=shown, next_cursor=str(shown[-1].id) if len(found) > limit else None)

    async def content(self, dead_letter_id: UUID) -> DeadLetterContent | None:
        for one in self._letters():
            if one.id == dead_letter_id:
                return DeadLetterContent(
                    letter=_view(one),
                    key=_shown(one.delivery.key),
                    value=_shown(one.delivery.value),
                    headers={name: value.decode(errors="replace") for name, value in one.delivery.headers.items()},
                )
        return None

    async def new(self, consumer: str | None) -> Sequence[UUID]:
        return [one.id for one in self._letters() if one.status == "NEW" and consumer in (None, one.letter.consumer)]

    async def forecast(self, ids: Sequence[UUID], *, inbox_since: datetime) -> Sequence[Forecast]:
        return [self._forecast(one, inbox_since) for one in self._letters() if one.id in ids]

    async def fates(self, ids: Sequence[UUID]) -> Mapping[UUID, Fate]:
        return {one.id: self._fate(one) for one in self._letters() if one.id in ids}

    def _letters(self) -> list[StoredLetter]:
        return sorted(self.database.messaging.letters.rows.values(), key=lambda one: one.id)

    def _forecast(self, one: StoredLetter, inbox_since: datetime) -> Forecast:
        inbox = self.database.messaging.inbox.rows
        order = self.database.orders.orders.rows.get(one.letter.order_id) if one.letter.order_id else None
        mine = [done for (consumer, _), done in inbox.items() if consumer == one.letter.consumer]
        event_id = one.letter.event_id
        return Forecast(
            letter=_view(one),
            handled=any(done.event_id == event_id for done in mine),
            older_than_inbox=inbox_since > NOON,
            order_finished=order is not None and order.status in FINAL,
            after_later_event=event_id is not None
            and any(done.order_id == one.letter.order_id and done.event_id > event_id for done in mine),
        )

    def _fate(self, one: StoredLetter) -> Fate:
        if one.status == "NEW":
            return Fate.FAILED
        kept = self.database.messaging.retries.rows.items()
        waits = any(
            consumer == one.letter.consumer and _place(row.delivery) == _place(one.delivery)
            for (consumer, _), row in kept
        )
        return Fate.WAITING if waits else Fate.HANDLED


def _place(delivery: object) -> tuple[object, ...]:
    return tuple(getattr(delivery, name) for name in ("topic", "partition", "offset"))


def _shown(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")


def _view(one: StoredLetter) -> DeadLetterView:
    letter = one.letter
    return DeadLetterView(
        id=one.id,
        consumer=letter.consumer,
        event_id=letter.event_id,
        order_id=letter.order_id,
        type=letter.type,
        topic=letter.delivery.topic,
        partition=letter.delivery.partition,
        offset=letter.delivery.offset,
        attempts=letter.attempts,
        error=letter.error,
        status=DeadLetterStatus(one.status),
        created_at=NOON,
        resolved_at=NOON if one.by and one.status != "NEW" else None,
        resolved_by=one.by,
    )
