"""What reaches PostgreSQL over the connections of an engine, as its driver sends it, and how PostgreSQL runs it."""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass(frozen=True, slots=True)
class Sent:
    sql: str
    arguments: Sequence[Any] = ()


class Caught(Exception):
    """In place of the statement that was waited for."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.sql)
        self.sent = sent


class Wire:
    """In the place of asyncpg's protocol: all that a connection executes passes here. Parsing and describing does
    not count: it happens once per connection.
    """

    def __init__(self, protocol: Any, tell: Callable[[Sent], None]) -> None:
        self._protocol = protocol
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    async def query(self, query: str, *rest: Any) -> Any:
        self._tell(Sent(query))
        return await self._protocol.query(query, *rest)

    async def bind_execute(self, state: Any, args: Sequence[Any], *rest: Any, **more: Any) -> Any:
        self._tell(Sent(state.query, args))
        return await self._protocol.bind_execute(state, args, *rest, **more)

    async def bind_execute_many(self, state: Any, args: Iterable[Sequence[Any]], *rest: Any, **more: Any) -> Any:
        rows = list(args)
        for row in rows:
            self._tell(Sent(state.query, row))
        return await self._protocol.bind_execute_many(state, rows, *rest, **more)


@dataclass(slots=True)
class Recorder:
    """Must be there before the engine's first connection."""

    engine: AsyncEngine
    _log: list[Sent] = field(default_factory=list)
    _wanted: str | None = None

    def __post_init__(self) -> None:
        event.listen(self.engine.sync_engine, "connect", self._tap)

    @contextmanager
    def recording(self) -> Iterator[list[Sent]]:
        """What is sent within the block."""
        first = len(self._log)
        sent: list[Sent] = []
        yield sent
        sent += self._log[first:]

    async def catch(self, unit_of_work: Awaitable[object], what: str) -> Sent:
        """The first statement with `what` in it, which is not executed: neither is the rest of the work."""
        self._wanted = what
        try:
            await unit_of_work
        except Caught as caught:
            return caught.sent
        finally:
            self._wanted = None
        raise AssertionError(f"nothing with {what!r} was sent")

    def _tell(self, sent: Sent) -> None:
        self._log.append(sent)
        if self._wanted and self._wanted in sent.sql:
            raise Caught(sent)

    def _tap(self, connection: Any, _: object) -> None:
        driver = connection.driver_connection
        driver._protocol = Wire(driver._protocol, self._tell)


@dataclass(frozen=True, slots=True)
class Plan:
    """An executed plan. `pages`: buffers that it touched, of tables, indexes and temporary files."""

    root: dict[str, Any]

    @property
    def pages(self) -> int:
        kinds = "Shared Hit", "Shared Read", "Local Hit", "Local Read", "Temp Read"
        return sum(self.root.get(f"{kind} Blocks", 0) for kind in kinds)

    @property
    def scanned(self) -> set[str]:
        """Tables that are read from end to end."""
        return {node["Relation Name"] for node in self.nodes() if node["Node Type"] == "Seq Scan"}

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes() if "Index Name" in node}

    @property
    def removed(self) -> int:
        """Rows that were read for nothing."""
        return sum(
            node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            for node in self.nodes()
        )

    @property
    def compared(self) -> int:
        """Pairs of rows that were held against each other and did not match."""
        return sum(node.get("Rows Removed by Join Filter", 0) for node in self.nodes())

    def nodes(self) -> Iterator[dict[str, Any]]:
        todo = [self.root]
        while todo:
            node = todo.pop()
            todo += node.get("Plans", ())
            yield node


PLAN_TRIES = 7  # PostgreSQL looks for a plan that fits all arguments from the sixth execution on.


async def explain(connection: asyncpg.Connection, sent: Sent, *, run: bool = True) -> list[Plan]:
    """Plans the statement as often as it takes until PostgreSQL might do with one plan for all arguments. Answers the
    plan for these arguments first, and the one that it has settled for last. What runs is rolled back; of what does
    not, nothing is counted.
    """
    values = await _literals(connection, sent)
    await connection.execute(f"PREPARE tried AS {sent.sql}")
    how = "ANALYZE, BUFFERS, FORMAT JSON" if run else "FORMAT JSON"
    plans = [await _explained(connection, f"EXPLAIN ({how}) EXECUTE tried{values}") for _ in range(PLAN_TRIES)]
    await connection.execute("DEALLOCATE tried")
    return [plans[0], plans[-1]]


async def explain_kept(connection: asyncpg.Connection, sent: Sent, meanwhile: Callable[[], Awaitable[None]]) -> Plan:
    """The plan that PostgreSQL has settled for before `meanwhile`, and keeps. What runs is rolled back."""
    values = await _literals(connection, sent)
    await connection.execute(f"PREPARE kept AS {sent.sql}")
    explaining = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE kept{values}"
    for _ in range(PLAN_TRIES):
        await _explained(connection, explaining)
    await meanwhile()
    return await _explained(connection, explaining)


async def _explained(connection: asyncpg.Connection, explaining: str) -> Plan:
    transaction = connection.transaction()
    await transaction.start()
    try:
        told = await connection.fetchval(explaining)
        return Plan((json.loads(told) if isinstance(told, str) else told)[0]["Plan"])
    finally:
        await transaction.rollback()


async def _literals(connection: asyncpg.Connection, sent: Sent) -> str:
    """EXECUTE takes no parameters: the server itself writes them as literals."""
    if not sent.arguments:
        return ""
    types = [_name(one) for one in (await connection.prepare(sent.sql)).get_parameters()]
    casts = ", ".join(f"quote_nullable(CAST(CAST(${n} AS {one}) AS text))" for n, one in enumerate(types, 1))
    values = await connection.fetchrow(f"SELECT {casts}", *sent.arguments)
    return "(" + ", ".join(values) + ")"


def _name(kind: Any) -> str:
    return f"{kind.name}" if kind.schema == "pg_catalog" else f'"{kind.schema}"."{kind.name}"'
