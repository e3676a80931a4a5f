"""Reads dead letters for operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.postgres.codec import delivered_from
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import Row, opened
from ordersys.usecase.dead_letters.ports import (
    DeadLetterContent,
    DeadLetterPage,
    DeadLetterStatus,
    DeadLetterView,
    Fate,
    Forecast,
)

COLUMNS: Final = """
    letter.id, letter.consumer, letter.event_id, letter.order_id, letter.type, letter.topic, letter.partition,
    letter."offset", letter.attempts, letter.error, letter.status, letter.created_at, letter.resolved_at,
    letter.resolved_by
"""

PAGE = text(f"""
    SELECT {COLUMNS} FROM dead_letters AS letter
    WHERE (CAST(:status AS text) IS NULL OR status = :status)
        AND (CAST(:consumer AS text) IS NULL OR consumer = :consumer)
        AND (CAST(:before AS uuid) IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit
""")  # noqa: S608 - constants only

CONTENT = text(f"""
    SELECT {COLUMNS}, key, value, CAST(headers AS text) AS headers FROM dead_letters AS letter WHERE id = :id
""")  # noqa: S608 - constants only

NEW = text("""
    SELECT id FROM dead_letters
    WHERE status = 'NEW' AND (CAST(:consumer AS text) IS NULL OR consumer = :consumer) ORDER BY id
""")

# Event ids are UUIDv7: a later event has a greater id.
FORECAST = text(f"""
    SELECT {COLUMNS}, created_at < :inbox_since AS older_than_inbox,
        EXISTS (SELECT FROM inbox_events AS done
            WHERE done.consumer = letter.consumer AND done.event_id = letter.event_id) AS handled,
        EXISTS (SELECT FROM orders
            WHERE orders.id = letter.order_id AND orders.status IN ('COMPLETED', 'CANCELLED', 'REFUNDED'))
            AS order_finished,
        EXISTS (SELECT FROM inbox_events AS later WHERE later.consumer = letter.consumer
            AND later.order_id = letter.order_id AND later.event_id > letter.event_id) AS after_later_event
    FROM dead_letters AS letter WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id
""")  # noqa: S608 - constants only

FATES = text("""
    SELECT letter.id,
        CASE WHEN status = 'NEW' THEN 'failed' WHEN kept.event_id IS NULL THEN 'handled' ELSE 'waiting' END AS fate
    FROM dead_letters AS letter LEFT JOIN inbox_retries AS kept
        ON kept.consumer = letter.consumer AND kept.topic = letter.topic AND kept.partition = letter.partition
            AND kept."offset" = letter."offset"
    WHERE letter.id = ANY(CAST(:ids AS uuid[]))
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDeadLetterReads:
    """Implements usecase.dead_letters.ports.DeadLetterReads."""

    engine: AsyncEngine

    async def page(
        self, *, status: DeadLetterStatus | None, consumer: str | None, before: UUID | None, limit: int
    ) -> DeadLetterPage:
        rows = await self._rows(PAGE, status=status, consumer=consumer, before=before, limit=limit + 1)
        items = [_view(row) for row in rows[:limit]]
        return DeadLetterPage(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)

    async def content(self, dead_letter_id: UUID) -> DeadLetterContent | None:
        for row in await self._rows(CONTENT, id=dead_letter_id):
            delivery = delivered_from(row)
            return DeadLetterContent(
                letter=_view(row),
                key=_shown(delivery.key),
                value=_shown(delivery.value),
                headers={name: value.decode(errors="replace") for name, value in delivery.headers.items()},
            )
        return None

    async def new(self, consumer: str | None) -> Sequence[UUID]:
        return [row.id for row in await self._rows(NEW, consumer=consumer)]

    async def forecast(self, ids: Sequence[UUID], *, inbox_since: datetime) -> Sequence[Forecast]:
        return [
            Forecast(
                letter=_view(row),
                handled=row.handled,
                older_than_inbox=row.older_than_inbox,
                order_finished=row.order_finished,
                after_later_event=row.after_later_event,
            )
            for row in await self._rows(FORECAST, ids=list(ids), inbox_since=inbox_since)
        ]

    async def fates(self, ids: Sequence[UUID]) -> Mapping[UUID, Fate]:
        return {row.id: Fate(row.fate) for row in await self._rows(FATES, ids=list(ids))}

    async def _rows(self, statement: TextClause, **bound: object) -> Sequence[Row]:
        with translated():
            async with opened(self.engine) as connection:
                return (await connection.execute(statement, bound)).all()


def _shown(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")


def _view(row: Row) -> DeadLetterView:
    return DeadLetterView(
        id=row.id,
        consumer=row.consumer,
        event_id=row.event_id,
        order_id=row.order_id,
        type=row.type,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        attempts=row.attempts,
        error=row.error,
        status=DeadLetterStatus(row.status),
        created_at=row.created_at,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
    )
