"""Deletes rows past their retention, in batches that skip locked rows, and drops whole days of the archive.

Every worker may sweep at any time; an advisory lock, which is only tried, lets one do so. Each batch is a short
transaction. A batch lost in a crash is deleted by the next pass, so its commit is asynchronous.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import Contention
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.partitions import drop_days

log = structlog.get_logger()
_LOCK: Final = 0x0D5E_0003
BATCH_ROWS: Final = 5000
BATCHES: Final = 20
# A stored response must outlive its key's lifetime as the api role computes it: clocks differ.
CLOCKS_DIFFER: Final = timedelta(hours=1)


def _rows(table: str, done: str) -> TextClause:
    return text(
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 -- made of literals below
        f"SELECT ctid FROM {table} AS old WHERE {done} LIMIT :batch FOR UPDATE SKIP LOCKED))"
    )


# In sweep order: a finished retry is recognized by the inbox row of its event, so retries come first.
SWEEPS: Final[Mapping[str, TextClause]] = {
    "inbox_retries": _rows(
        "inbox_retries",
        "created_at < now() - CAST(:kept AS interval) AND EXISTS (SELECT FROM inbox_events AS handled "
        "WHERE handled.consumer = old.consumer AND handled.event_id = old.event_id)",
    ),
    "inbox_events": _rows("inbox_events", "processed_at < now() - CAST(:kept AS interval)"),
    "idempotency_keys": _rows("idempotency_keys", "created_at < now() - CAST(:kept AS interval)"),
    # Unresolved dead letters are never deleted. `created_at` has the index.
    "dead_letters": _rows(
        "dead_letters",
        "created_at < now() - CAST(:kept AS interval) AND resolved_at < now() - CAST(:kept AS interval)",
    ),
    "outbox_archive_default": _rows("outbox_archive_default", "published_at < now() - CAST(:kept AS interval)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """`kept`: the retention of each table in SWEEPS. Days of the archive use that of outbox_archive_default."""

    engine: AsyncEngine
    clock: Clock
    kept: Mapping[str, timedelta]
    batch_rows: int = BATCH_ROWS
    batches: int = BATCHES

    async def run_once(self) -> int:
        """Runs one pass over all tables, with bounded batches. Returns the number of removed rows and days."""
        pruned = await self._days()
        for table in SWEEPS:
            pruned += await self._table(table)
        return pruned

    async def _days(self) -> int:
        before = (self.clock.now() - self.kept["outbox_archive_default"]).date()
        with translated():
            async with self.engine.connect() as connection:
                dropped = await drop_days(connection, before)
        for day in dropped:
            log.info("dropped a day of the archive", action="retention.day_dropped", day=str(day))
        return len(dropped)

    async def _table(self, table: str) -> int:
        total = 0
        for _ in range(self.batches):
            rows = await self._batch(table)
            total += rows
            if rows < self.batch_rows:
                break
        if total:
            log.info("deleted expired rows", action="retention.pruned", table=table, rows=total)
        return total

    async def _batch(self, table: str) -> int:
        """Returns the number of deleted rows; 0 also if another worker is sweeping or the locks are not available."""
        try:
            with translated():
                async with self.engine.begin() as connection:
                    return await self._prune(connection, table) if await _ours(connection) else 0
        except Contention:
            return 0

    async def _prune(self, connection: AsyncConnection, table: str) -> int:
        limits = {"kept": self.kept[table], "batch": self.batch_rows}
        return (await connection.execute(SWEEPS[table], limits)).rowcount


async def _ours(connection: AsyncConnection) -> bool:
    await connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
    await connection.execute(text("SET LOCAL synchronous_commit = off"))
    return bool(await connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))
