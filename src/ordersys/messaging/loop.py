"""The loop around a `run_once`: goes on at once while there is work, backs off while there is none or a server is
away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from ordersys.domain.shared.errors import DomainError, Kind

AWAY_FIRST: Final = 0.05
AWAY_LAST: Final = 1.0


class LoopWatch(Protocol):
    def lost(self, loop: str, error: DomainError) -> None:
        """Told once when the loop cannot work because something that it needs is away."""
        ...

    def back(self, loop: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Seconds between passes: `busy` after one that found work, from there doubling up to `idle`.

    `wake` cuts a pause short. Errors that are not transient end the loop: they are bugs, and the process must say so.
    """

    name: str
    run_once: Callable[[], Awaitable[int]]
    watch: LoopWatch
    wake: asyncio.Event
    busy: float = 0.0
    idle: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Returns after the pass that is under way when `stop` is set."""
        pause = self.busy
        while not stop.is_set():
            self.wake.clear()
            worked = await self._pass(stop)
            pause = self.busy if worked else min(max(pause * 2, 0.001), self.idle)
            if pause > 0:
                await _wait(pause, stop, self.wake)

    async def _pass(self, stop: asyncio.Event) -> int:
        """One pass that succeeded, after as many failed ones as it takes; 0 when stopped before."""
        away = 0.0
        while not stop.is_set():
            try:
                worked = await self.run_once()
            except DomainError as error:
                if error.kind is not Kind.TRANSIENT:
                    raise
                if not away:
                    self.watch.lost(self.name, error)
                away = min(max(away * 2, AWAY_FIRST), AWAY_LAST)
                await _wait(away, stop)
            else:
                if away:
                    self.watch.back(self.name)
                return worked
        return 0


async def _wait(seconds: float, *events: asyncio.Event) -> None:
    if len(events) == 1:
        with suppress(TimeoutError):
            await asyncio.wait_for(events[0].wait(), seconds)
        return
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
