"""Day partitions of outbox_archive. The DEFAULT partition takes rows of missing days, so archiving never stops.

Every worker may call `ensure_days`. One worker at a time creates a day, in a transaction per day; if a lock is not
available soon, the next call tries again. Writers of other days are not blocked: attaching a day locks only DEFAULT.
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
    """Creates the missing days from `today` to `today + ahead` (UTC). Returns the created days.

    The connection must not be in a transaction. A day whose locks are not available is left for the next call.
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
    """Drops the days before `before` (UTC). Returns the dropped days.

    Dropping locks the whole archive, and writers queue behind the lock. So the lock timeout is short, and a day that
    cannot be locked, as during a long read, is left for the next call.
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
    """Returns False if another worker is creating or dropping days."""
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
    """Returns False if another worker created the day in the meantime.

    Rows of the day move over from DEFAULT, most of them before DEFAULT is locked exclusively.
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
    """Creates the partitions of the coming days; called by a worker's timer."""

    engine: AsyncEngine
    clock: Clock

    async def run_once(self) -> int:
        with translated():
            async with self.engine.connect() as connection:
                await ensure_days(connection, self.clock.now().date())
        return 1
