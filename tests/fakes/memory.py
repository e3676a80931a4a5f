"""Tables in memory. A transaction sees what is committed and what it wrote itself; row locks last until its end."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Table(Generic[K, V]):
    """Rows are replaced, never changed in place."""

    def __init__(self) -> None:
        self.rows: dict[K, V] = {}
        self.locks: defaultdict[K, asyncio.Lock] = defaultdict(asyncio.Lock)


class Changes:
    """What one transaction wrote and locked."""

    def __init__(self) -> None:
        self._written: defaultdict[Table[Any, Any], dict[Any, Any]] = defaultdict(dict)
        self._removed: defaultdict[Table[Any, Any], set[Any]] = defaultdict(set)
        self._locked: list[asyncio.Lock] = []

    def rows(self, table: Table[K, V]) -> dict[K, V]:
        seen = table.rows | self._written[table]
        return {key: row for key, row in seen.items() if key not in self._removed[table]}

    def put(self, table: Table[K, V], key: K, row: V) -> None:
        self._removed[table].discard(key)
        self._written[table][key] = row

    def remove(self, table: Table[K, V], key: K) -> None:
        self._removed[table].add(key)

    async def lock(self, table: Table[K, V], keys: Iterable[K]) -> None:
        for key in sorted(keys, key=str):
            if table.locks[key] not in self._locked:
                await table.locks[key].acquire()
                self._locked.append(table.locks[key])

    def try_lock(self, table: Table[K, V], key: K) -> bool:
        """False when another transaction has it."""
        if table.locks[key] in self._locked:
            return True
        if table.locks[key].locked():
            return False
        # An unlocked asyncio.Lock is acquired without a pause, so one step of the coroutine is all of it.
        try:
            table.locks[key].acquire().send(None)
        except StopIteration:
            self._locked.append(table.locks[key])
        return True

    def commit(self) -> None:
        for table, rows in self._written.items():
            table.rows.update(rows)
        for table, keys in self._removed.items():
            for key in keys:
                table.rows.pop(key, None)

    def end(self) -> None:
        for lock in self._locked:
            lock.release()
