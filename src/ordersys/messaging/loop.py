"""Runs a `run_once` repeatedly: without a pause while there is work, with a growing one while there is none or a server
is unavailable.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from ordersys.domain.shared.errors import DomainError, Kind

AWAY_FIRST: Final = 0.05
AWAY_LAST: Final = 1.0


class LoopObserver(Protocol):
    def unavailable(self, loop: str, error: DomainError) -> None:
        """Called once when the loop is blocked because a server is unavailable."""
        ...

    def recovered(self, loop: str) -> None:
        """Called once when the loop works again."""
        ...


class SilentObserver:
    """For a loop whose unavailability another loop of its process reports."""

    def unavailable(self, loop: str, error: DomainError) -> None: ...

    def recovered(self, loop: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The pause between passes (seconds) is `busy` until `linger` seconds after the last pass with work, as more often
    follows. From there it doubles up to `idle`, or to the value that `longest` returns.

    Setting `wake` ends a pause. Errors that are not transient end the loop: they are bugs, and the process must report
    them.
    """

    name: str
    run_once: Callable[[], Awaitable[int]]
    observer: LoopObserver
    wake: asyncio.Event
    busy: float = 0.0
    idle: float = 0.0
    longest: Callable[[], float] | None = None
    linger: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set, and finishes the current pass."""
        stopping = asyncio.ensure_future(stop.wait())
        stopping.add_done_callback(lambda _: self.wake.set())
        try:
            await self._turn(stop)
        finally:
            stopping.cancel()

    async def _turn(self, stop: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        pause, quick_until = self.busy, 0.0
        while not stop.is_set():
            self.wake.clear()
            if await self._pass(stop):
                pause, quick_until = self.busy, clock() + self.linger
            elif clock() >= quick_until:
                pause = min(max(pause * 2, 0.001), self.longest() if self.longest else self.idle)
            if pause > 0 and not stop.is_set():
                await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        """Uses one timer and no task, as this runs some hundred times per second."""
        if self.wake.is_set():
            await asyncio.sleep(0)  # lets other tasks run even if every pass wakes itself
            return
        timer = asyncio.get_running_loop().call_later(seconds, self.wake.set)
        try:
            await self.wake.wait()
        finally:
            timer.cancel()

    async def _pass(self, stop: asyncio.Event) -> int:
        """Repeats the pass until it succeeds. Returns its result, or 0 if stopped before."""
        away = 0.0
        while not stop.is_set():
            try:
                worked = await self.run_once()
            except DomainError as error:
                if error.kind is not Kind.TRANSIENT:
                    raise
                if not away:
                    self.observer.unavailable(self.name, error)
                away = min(max(away * 2, AWAY_FIRST), AWAY_LAST)
                await _wait(away, stop)
            else:
                if away:
                    self.observer.recovered(self.name)
                return worked
        return 0


async def _wait(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
