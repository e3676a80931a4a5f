"""One timer for the deadlines of many calls.

`asyncio.timeout` makes one per call, and a timer that was not needed stays with the loop until its time has come: at
some thousand calls per second that is most of what such a call costs.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Deadline:
    """Every call has the same `seconds`, so the first that began is the first to be late."""

    seconds: float
    _due: dict[asyncio.Task[Any], float] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None

    async def keep(self, call: Awaitable[T]) -> T:
        """For the task at hand, one call at a time. Raises TimeoutError when it takes longer."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is kept by a task")
        self._due[task] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_at(self._due[task], self._look)
        try:
            return await call
        except asyncio.CancelledError:
            # Someone else may have cancelled the task, too; that goes on.
            if task in self._due or task.uncancel() > 0:
                raise
            raise TimeoutError from None
        finally:
            self._due.pop(task, None)

    def _look(self) -> None:
        """Ends what is late, and comes back when the next one would be."""
        loop = asyncio.get_running_loop()
        # The loop may wake a timer by the resolution of its clock too early.
        self._timer, now = None, loop.time() + 0.001
        for task, _ in list(takewhile(lambda one: one[1] <= now, self._due.items())):
            del self._due[task]
            task.cancel()
        if self._due:
            self._timer = loop.call_at(next(iter(self._due.values())), self._look)
