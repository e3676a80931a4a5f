"""A load that is switched on and off while the system runs: one at a time, for a bounded time."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadState:
    """The load of the process that answers: what runs, or what ran last. `failed`: orders that were not accepted, for
    whatever reason. `error` says why it could not go on.
    """

    running: bool
    rate: float | None = None
    seconds: float | None = None
    started_at: datetime | None = None
    ends_at: datetime | None = None
    accepted: int = 0
    failed: int = 0
    error: str | None = None


class LoadForbidden(DomainError):
    def __init__(self) -> None:
        super().__init__("load_forbidden", Kind.REJECTED, "load is refused in production and without demo tokens")


class LoadRunning(DomainError):
    def __init__(self) -> None:
        super().__init__("load_running", Kind.CONFLICT, "a load is running; stop it or wait for its end")


class Run(Protocol):
    """A generator that is ready to send."""

    @property
    def stopping(self) -> asyncio.Event: ...

    @property
    def tally(self) -> tuple[int, int]:
        """Orders that were accepted, and those that were not."""
        ...

    async def run(self, *, follow: bool) -> object: ...


class CannotRun(Exception):
    """The load cannot be sent; the message may be shown."""


Preparing = Callable[[float, float], AbstractAsyncContextManager[Run]]


@dataclass(slots=True, kw_only=True)
class _Switched:
    """`run` is None until it has found flights to buy; only then it begins."""

    rate: float
    seconds: float
    started_at: datetime
    task: "asyncio.Task[None]"
    run: Run | None = None
    error: str | None = None

    @property
    def running(self) -> bool:
        return not self.task.done()


@dataclass(slots=True, kw_only=True)
class LoadSwitch:
    """Orders at a fixed rate, sent to the API as customers would. `prepare(rate, seconds)` raises CannotRun."""

    allowed: bool
    prepare: Preparing
    clock: Clock
    _last: _Switched | None = None

    def state(self) -> LoadState:
        last = self._last
        if last is None:
            return LoadState(running=False)
        accepted, failed = last.run.tally if last.run else (0, 0)
        return LoadState(
            running=last.running,
            rate=last.rate,
            seconds=last.seconds,
            started_at=last.started_at,
            ends_at=last.started_at + timedelta(seconds=last.seconds),
            accepted=accepted,
            failed=failed,
            error=last.error,
        )

    def start(self, rate: float, seconds: float) -> LoadState:
        """Raises LoadForbidden, LoadRunning."""
        if not self.allowed:
            raise LoadForbidden
        if self._last and self._last.running:
            raise LoadRunning
        task = asyncio.create_task(self._send(rate, seconds))
        self._last = _Switched(rate=rate, seconds=seconds, started_at=self.clock.now(), task=task)
        return self.state()

    def stop(self) -> LoadState:
        """What was sent is still waited for. Nothing to do when none runs."""
        last = self._last
        if last and last.run:
            last.run.stopping.set()
        elif last:
            last.task.cancel()
        return self.state()

    def close(self) -> None:
        """At the end of the process: what was sent is not waited for."""
        if self._last:
            self._last.task.cancel()

    async def _send(self, rate: float, seconds: float) -> None:
        try:
            async with self.prepare(rate, seconds) as run:
                if self._last:
                    self._last.run, self._last.started_at = run, self.clock.now()
                await run.run(follow=False)
        except CannotRun as error:
            if self._last:
                self._last.error = str(error)
