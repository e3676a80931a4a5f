"""Reads the backlog and the totals for operators, in one statement and so at one moment.

Totals come from PostgreSQL's statistics: counting would read ever more rows, and a counter of our own would add a write
to every transaction. Rows leave the outbox only when they are published.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.postgres.codec import from_json
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.outbox_repository import OLDEST_SECONDS, WAITING
from ordersys.infrastructure.postgres.session import opened
from ordersys.usecase.operations.ports import Backlog

BACKLOG = text(f"""
    SELECT CAST(json_build_object(
        'outbox', (SELECT json_build_object('pending', count(*),
                'oldest_pending_seconds', {OLDEST_SECONDS},
                'parked', (SELECT count(*) FROM outbox_attempts WHERE parked_at IS NOT NULL))
            FROM {WAITING}),
        'retries', (SELECT coalesce(json_agg(kept), '[]') FROM (
            SELECT consumer, count(*) AS waiting, min(next_attempt_at) AS next_at
            FROM inbox_retries GROUP BY consumer) AS kept),
        'dead_letters', (SELECT coalesce(json_agg(letters), '[]') FROM (
            SELECT consumer, count(*) AS open FROM dead_letters WHERE status = 'NEW' GROUP BY consumer) AS letters),
        'totals', (SELECT json_build_object('orders', placed, 'published', published, 'processed', processed,
                'finished', greatest(placed - under_way, 0))
            FROM (SELECT pg_stat_get_tuples_inserted(CAST('orders' AS regclass)) AS placed,
                pg_stat_get_tuples_deleted(CAST('outbox' AS regclass)) AS published,
                pg_stat_get_tuples_inserted(CAST('inbox_events' AS regclass)) AS processed,
                (SELECT count(*) FROM orders WHERE status IN ('CREATED', 'PAYMENT_AUTHORIZED', 'REFUND_PENDING'))
                    AS under_way) AS counted)
    ) AS text)
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBacklogReads:
    """Implements usecase.operations.ports.BacklogReads."""

    engine: AsyncEngine

    async def backlog(self) -> Backlog:
        with translated():
            async with opened(self.engine) as connection:
                document = (await connection.execute(BACKLOG)).scalar_one()
        return from_json(document, Backlog)
