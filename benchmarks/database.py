"""A connection that blocks: what the benches ask and prepare, outside of what is measured."""

import asyncio
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg  # type: ignore[import-untyped]  # it has no stubs


class Database:
    """Made for one thread. Statements may take minutes."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._runner = asyncio.Runner()
        self._connection: Any = None

    def __enter__(self) -> Self:
        self._connection = self._runner.run(asyncpg.connect(self._dsn, timeout=10))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()

    def run(self, statement: str, *bound: Any) -> str:
        """Without arguments it may be several statements."""
        return str(self._runner.run(self._connection.execute(statement, *bound)))

    def rows(self, statement: str, *bound: Any) -> Sequence[Any]:
        found: Sequence[Any] = self._runner.run(self._connection.fetch(statement, *bound))
        return found

    def row(self, statement: str, *bound: Any) -> Any:
        return self._runner.run(self._connection.fetchrow(statement, *bound))

    def value(self, statement: str, *bound: Any) -> Any:
        return self._runner.run(self._connection.fetchval(statement, *bound))

    def copy(self, table: str, columns: Sequence[str], records: Iterable[tuple[Any, ...]]) -> None:
        self._runner.run(self._connection.copy_records_to_table(table, columns=columns, records=records))
