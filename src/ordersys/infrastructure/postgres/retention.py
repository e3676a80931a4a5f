"""What is done with is pruned: in batches that wait for nobody, and whole days of the archive at once.

Every worker may sweep at any time. One at a time does (an advisory lock that is only tried), each batch is a short
transaction of its own, rows that somebody holds are left for the next pass, and a lost batch is only done again:
hence no wait for its commit to reach the disk.
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
# An answer must not be forgotten before the request that asks for it thinks so: clocks differ.
CLOCKS_DIFFER: Final = timedelta(hours=1)


def _rows(table: str, done: str) -> TextClause:
    return text(
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 -- made of literals below
        f"SELECT ctid FROM {table} AS old WHERE {done} LIMIT :batch FOR UPDATE SKIP LOCKED))"
    )


# In the order in which they are swept: a retry that has ended is known by its event's row in the inbox.
SWEEPS: Final[Mapping[str, TextClause]] = {
    "inbox_retries": _rows(
        "inbox_retries",
        "created_at < now() - CAST(:kept AS interval) AND EXISTS (SELECT FROM inbox_events AS handled "
        "WHERE handled.consumer = old.consumer AND handled.event_id = old.event_id)",
    ),
    "inbox_events": _rows("inbox_events", "processed_at < now() - CAST(:kept AS interval)"),
    "idempotency_keys": _rows("idempotency_keys", "created_at < now() - CAST(:kept AS interval)"),
    # What waits for a person waits for ever; `created_at` has the index.
    "dead_letters": _rows(
        "dead_letters",
        "created_at < now() - CAST(:kept AS interval) AND resolved_at < now() - CAST(:kept AS interval)",
    ),
    "outbox_archive_default": _rows("outbox_archive_default", "published_at < now() - CAST(:kept AS interval)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """`kept`: how long, by table of SWEEPS; the days of the archive go with what was published before any day."""

    engine: AsyncEngine
    clock: Clock
    kept: Mapping[str, timedelta]
    batch_rows: int = BATCH_ROWS
    batches: int = BATCHES

    async def run_once(self) -> int:
        """One pass over all tables, of a bounded number of batches. Answers how many rows and days went."""
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
            log.info("a day of the archive was dropped", action="retention.day_dropped", day=str(day))
        return len(dropped)

    async def _table(self, table: str) -> int:
        total = 0
        for _ in range(self.batches):
            rows = await self._batch(table)
            total += rows
            if rows < self.batch_rows:
                break
        if total:
            log.info("pruned", action="retention.pruned", table=table, rows=total)
        return total

    async def _batch(self, table: str) -> int:
        """0 also when another worker sweeps, or when the locks are not to be had: the next pass comes soon."""
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
