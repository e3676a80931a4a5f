"""The coalescer: calls that wait at the same moment share one transaction. Without a timer: a lone call runs
immediately.

A failed batch is run again one command at a time, so that a bad command fails alone. If a server is unavailable, the
whole batch fails.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ordersys.domain.shared.errors import DomainError, Kind, Unavailable

C = TypeVar("C")
R = TypeVar("R")


class Busy(DomainError):
    """The queue of waiting calls is full."""

    def __init__(self) -> None:
        super().__init__("busy", Kind.TRANSIENT, "Too many requests are queued; retry later.")


@dataclass(slots=True, kw_only=True)
class Coalescer(Generic[C, R]):
    """`execute` returns one result per command, in order."""

    execute: Callable[[Sequence[C]], Awaitable[Sequence[R]]]
    batch_size: int
    batches_in_flight: int
    queue_size: int
    _waiting: deque[tuple[C, asyncio.Future[R]]] = field(default_factory=deque)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _free: int = field(init=False)

    def __post_init__(self) -> None:
        self._free = self.batches_in_flight

    async def submit(self, command: C) -> R:
        """Returns the command's result, or raises its error. Raises Busy if the queue is full."""
        if len(self._waiting) >= self.queue_size:
            raise Busy
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._drain())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def drained(self) -> None:
        """Returns when nothing is waiting or running."""
        while self._running:
            await asyncio.wait(self._running)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self.batch_size, len(self._waiting)))]
                await self._run(batch)
        finally:
            # In the same step as the last check of the queue: a call added in between would never run.
            self._free += 1

    async def _run(self, batch: Sequence[tuple[C, asyncio.Future[R]]]) -> None:
        try:
            results = await self.execute([command for command, _ in batch])
            answered = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001 - the boundary: every caller gets its own answer
            if len(batch) == 1 or isinstance(error, Unavailable):
                _fail(batch, error)
            else:
                for one in batch:
                    await self._run([one])
            return
        for (_, future), result in answered:
            if not future.done():
                future.set_result(result)


def _fail(batch: Sequence[tuple[C, asyncio.Future[R]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
