"""One timer for the deadlines of many calls.

`asyncio.timeout` creates a timer per call, and the event loop keeps an unused timer until it expires: at some thousand
calls per second that is most of the cost of a call.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Deadline:
    """All calls have the same `seconds`, so the oldest call expires first."""

    seconds: float
    _due: dict[asyncio.Task[Any], float] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None

    async def keep(self, call: Awaitable[T]) -> T:
        """Awaits a call of the current task, one at a time. Raises TimeoutError if it takes longer."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise RuntimeError("Deadline.keep must run in a task")
        self._due[task] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_at(self._due[task], self._look)
        try:
            return await call
        except asyncio.CancelledError:
            # The task may also have been cancelled by others: propagate that.
            if task in self._due or task.uncancel() > 0:
                raise
            raise TimeoutError from None
        finally:
            self._due.pop(task, None)

    def _look(self) -> None:
        """Cancels expired calls, and schedules itself for the next deadline."""
        loop = asyncio.get_running_loop()
        # The loop may fire a timer early, by the resolution of its clock.
        self._timer, now = None, loop.time() + 0.001
        for task, _ in list(takewhile(lambda one: one[1] <= now, self._due.items())):
            del self._due[task]
            task.cancel()
        if self._due:
            self._timer = loop.call_at(next(iter(self._due.values())), self._look)
