"""Day partitions of outbox_archive. The DEFAULT one takes what no day was made for, so archiving never stops.

Every worker may call `ensure_days`: one at a time makes a day, each day is a transaction of its own, and a wait for
a lock is given up soon, until the next call. Writers of other days go on while a day is made: attaching it locks
DEFAULT alone.
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
DROP_LOCK_TIMEOUT_MS = 100
_LOCK = 0x0D5E_0002
_PREFIX = "outbox_archive_"


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


async def drop_days(connection: AsyncConnection, before: date) -> Sequence[date]:
    """Drops the days before `before` (UTC) and names those that it dropped.

    The whole archive is locked for it, and whoever writes waits in line: so the lock is waited for but a moment, and a
    day that cannot be had, as while somebody reads a lot, is left for the next call.
    """
    dropped: list[date] = []
    for day in sorted(day for day in map(_day, await _attached(connection)) if day and day < before):
        try:
            with translated():
                async with connection.begin():
                    if not await _drop(connection, day):
                        break
        except Contention:
            break
        dropped.append(day)
    return dropped


async def _drop(connection: AsyncConnection, day: date) -> bool:
    """False when another worker makes or drops days just now."""
    await connection.execute(text(f"SET LOCAL lock_timeout = {DROP_LOCK_TIMEOUT_MS}"))
    if not await connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
        return False
    await connection.execute(text(f"DROP TABLE IF EXISTS {_name(day)}"))
    return True


async def _attached(connection: AsyncConnection) -> set[str]:
    attached = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox_archive'::regclass")
    with translated():
        async with connection.begin():
            return set(await connection.scalars(attached))


async def _missing(connection: AsyncConnection, today: date, ahead: int) -> Sequence[date]:
    names = await _attached(connection)
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
    return f"{_PREFIX}{day:%Y%m%d}"


def _day(name: str) -> date | None:
    digits = name.removeprefix(_PREFIX)
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if digits.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionMaintenance:
    """Makes the coming days' partitions; a worker's timer calls it."""

    engine: AsyncEngine
    clock: Clock

    async def run_once(self) -> int:
        with translated():
            async with self.engine.connect() as connection:
                await ensure_days(connection, self.clock.now().date())
        return 1
