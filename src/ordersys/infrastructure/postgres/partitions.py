"""Day partitions of outbox_archive. The DEFAULT one takes what no day was made for, so archiving never stops.

Every worker may call `ensure_days`: one at a time makes a day, each day is a transaction of its own, and a wait for a
lock is given up soon, until the next call. Writers of other days go on meanwhile: attaching a day locks DEFAULT alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import Contention
from ordersys.infrastructure.postgres.errors import translated

LOCK_TIMEOUT_MS = 500
_LOCK = 0x0D5E_0002


def is_partition(name: str) -> bool:
    return re.fullmatch(r"outbox_archive_(default|\d{8})", name) is not None


async def ensure_days(connection: AsyncConnection, today: date, ahead: int = 7) -> Sequence[date]:
    """Makes the missing days from `today` to `today + ahead` (UTC) and names those it made.

    The connection must not be in a transaction. A day whose locks are not to be had is left for the next call.
    """
    made: list[date] = []
    for day in await _missing(connection, today, ahead):
        try:
            with translated():
                async with connection.begin():
                    if await _make(connection, day):
                        made.append(day)
        except Contention:
            break
    return made


async def _missing(connection: AsyncConnection, today: date, ahead: int) -> Sequence[date]:
    attached = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox_archive'::regclass")
    with translated():
        async with connection.begin():
            names = set(await connection.scalars(attached))
    wanted = (today + timedelta(days=n) for n in range(ahead + 1))
    return [day for day in wanted if _name(day) not in names]


async def _make(connection: AsyncConnection, day: date) -> bool:
    """False when another worker made the day in the meantime.

    Rows of the day that DEFAULT holds move over, most of them before the lock that keeps others out of DEFAULT.
    """
    name, start, end = _name(day), f"{day} 00:00+00", f"{day + timedelta(days=1)} 00:00+00"
    move = text(
        f"WITH moved AS (DELETE FROM outbox_archive_default WHERE published_at >= '{start}' AND published_at < '{end}'"  # noqa: S608 -- all made of a date
        f" RETURNING *) INSERT INTO {name} SELECT * FROM moved"
    )
    await connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
    await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if await connection.scalar(select(func.to_regclass(name))) is not None:
        return False
    await connection.execute(
        text(f"CREATE TABLE {name} (LIKE outbox_archive INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    )
    await connection.execute(move)
    await connection.execute(text("LOCK TABLE outbox_archive_default IN ACCESS EXCLUSIVE MODE"))
    await connection.execute(move)
    attach = f"ALTER TABLE outbox_archive ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"
    await connection.execute(text(attach))
    return True


def _name(day: date) -> str:
    return f"outbox_archive_{day:%Y%m%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionKeeper:
    """Makes the coming days' partitions; a worker's timer calls it."""

    engine: AsyncEngine
    clock: Clock

    async def run_once(self) -> int:
        with translated():
            async with self.engine.connect() as connection:
                await ensure_days(connection, self.clock.now().date())
        return 1
