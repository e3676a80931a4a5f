"""Statements on the driver itself: written and compiled by SQLAlchemy once, then run without it.

Per statement SQLAlchemy's execution costs about three times what asyncpg's does, and a saga is some fifty
statements. The engine stays: it owns the pool, and everything that is not on a hot path uses it as usual.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import Pool, PoolProxiedConnection, QueuePool
from sqlalchemy.util import greenlet_spawn

from ordersys.domain.shared.errors import Contention

# After one of these nobody knows what the connection is in the middle of.
BROKEN: Final = (asyncio.CancelledError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
# asyncpg prepares anew for each prepare(); a statement's plan is worth keeping as long as its connection.
_PREPARED: WeakKeyDictionary[asyncpg.Connection, dict[TextClause, Any]] = WeakKeyDictionary()


class Row(asyncpg.Record):  # type: ignore[misc]  # untyped
    """A record whose columns are attributes, too."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of a statement, and how many it touched."""

    rows: Sequence[Row]
    rowcount: int

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def all(self) -> Sequence[Row]:
        return self.rows

    def scalars(self) -> Iterator[Any]:
        return (row[0] for row in self.rows)

    def one(self) -> Row:
        (row,) = self.rows
        return row

    def one_or_none(self) -> Row | None:
        return self.one() if self.rows else None

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        return self.one()[0] if self.rows else None


@dataclass(frozen=True, slots=True)
class Session:
    """One connection. What is bound goes to PostgreSQL as a parameter, never into the text."""

    driver: asyncpg.Connection

    async def execute(self, statement: TextClause, bound: Mapping[str, Any] | None = None) -> Result:
        sql, names = _compiled(statement)
        known = _PREPARED.setdefault(self.driver, {})
        prepared = known.get(statement)
        if prepared is None:
            prepared = known[statement] = await self.driver.prepare(sql, record_class=Row)
        try:
            rows = await prepared.fetch(*[bound[name] for name in names] if bound else ())
        except asyncpg.InvalidCachedStatementError:
            _PREPARED.pop(self.driver, None)
            raise Contention("the schema changed under a prepared statement") from None
        return Result(rows, _touched(prepared.get_statusmsg()))


@asynccontextmanager
async def opened(engine: AsyncEngine) -> AsyncIterator[Session]:
    """A connection of the engine's pool, each statement a transaction of its own.

    Straight from the pool: the connection that the engine would wrap around it costs more than most statements do.
    """
    pool = engine.sync_engine.pool
    taken = await _taken(pool)
    try:
        yield Session(taken.driver_connection)
    except BROKEN:
        # Whoever gets this connection next must not meet the rest of what happened here.
        await greenlet_spawn(taken.invalidate)
        raise
    finally:
        await _given_back(pool, taken)


@asynccontextmanager
async def begun(engine: AsyncEngine) -> AsyncIterator[Session]:
    async with opened(engine) as session, session.driver.transaction():
        yield session


async def _taken(pool: Pool) -> PoolProxiedConnection:
    """Passes over connections that broke while they lay in the pool."""
    while True:
        try:
            taken = await greenlet_spawn(pool.connect)
        except dialect.AsyncAdapt_asyncpg_dbapi.Error as failed:
            # The pool tells what the driver said in words of its own, which nobody else here knows.
            raise failed.__cause__ or failed from None
        driver: Any = taken.driver_connection
        if not driver.is_closed():
            return taken
        await greenlet_spawn(taken.invalidate)


async def _given_back(pool: Pool, taken: PoolProxiedConnection) -> None:
    """A connection for which the pool has no room is closed, and that takes a greenlet."""
    if isinstance(pool, QueuePool) and pool.overflow() <= 0:
        taken.close()
    else:
        await greenlet_spawn(taken.close)


@cache
def _compiled(statement: TextClause) -> tuple[str, tuple[str, ...]]:
    compiled = statement.compile(dialect=dialect.dialect())  # type: ignore[no-untyped-call]  # untyped
    return str(compiled), tuple(compiled.positiontup or ())


def _touched(status: str | None) -> int:
    """The number at the end of a command tag, such as `INSERT 0 5`; 0 if there is none."""
    number = (status or "").rpartition(" ")[2]
    return int(number) if number.isdecimal() else 0
