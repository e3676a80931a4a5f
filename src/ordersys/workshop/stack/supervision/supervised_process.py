"""Keeps one process running: prepares, starts and watches it, starts it again when it ends or hangs, and stops it."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal

from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.servers.child import popen_options
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.supervision.children import Backoff, Child, ChildFailed, ChildState, Phase

STARTS_BEFORE_UP = 3
WRONG_USE = 2
EAGER_SECONDS = 0.05
CALM_PROBE_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class SupervisedProcess:
    """`changed` is called after every change of `state`; `up`: the whole was up once, before that failing is final."""

    child: Child
    changed: Callable[[], None]
    up: Callable[[], bool]
    threads: Executor
    say: Callable[[str], None]
    state: ChildState = field(init=False)
    # Set once, the first time that it is ready: what comes after it may start.
    was_ready: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _process: Process | None = None
    _backoff: Backoff = field(default_factory=Backoff)
    _why: str = ""

    def __post_init__(self) -> None:
        child = self.child
        self.state = ChildState(name=child.name, kind=child.kind, stop_signal=int(child.stop_signal), vital=child.vital)

    async def run(self) -> None:
        """Until it is stopped, or a job is done; raises ChildFailed."""
        starts = 0
        while not self._stopping.is_set():
            starts += 1
            began = asyncio.get_running_loop().time()
            reason = await self._life()
            if self._stopping.is_set() or reason is None:
                break
            if not await self._after_end(reason, starts, asyncio.get_running_loop().time() - began):
                return
        if self.state.phase != "done":
            self._show("stopped", pid=None)

    async def stop(self) -> None:
        """Asks it to stop, and kills it when its time is over. Returns when it is gone; may be called twice."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal(process, self.child.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.child.stop_seconds)
        except TimeoutError:
            self.say(f"{self.child.name} did not stop within {self.child.stop_seconds:g} s and is killed")
            self._kill(process)
            await process.wait()

    async def _life(self) -> str | None:
        """One life; the reason of its end, or None when there is nothing to start again."""
        try:
            process = await self._start()
        except (EmbeddedError, OSError) as error:
            return str(error)
        if process is None:
            return None
        watching = asyncio.create_task(self._watch(process))
        code = await process.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        # What it may have started itself must not outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if self.child.kind == "job" and code == 0:
            self._show("done", pid=None)
            self.was_ready.set()
            return None
        return self._why or ended(code)

    async def _start(self) -> Process | None:
        """The running process; None when it was stopped before it came to that."""
        loop = asyncio.get_running_loop()
        self._why = ""
        self._show("preparing", pid=None)
        await loop.run_in_executor(self.threads, self.child.prepare, self._reported(loop))
        self.state.address = self.child.address()
        command = await loop.run_in_executor(self.threads, self.child.command)
        if self._stopping.is_set():
            return None
        with self.child.log.open("ab") as out:
            options = popen_options(command, out, self.child.stop_signal)
            self._process = await asyncio.create_subprocess_exec(*options.argv, **options.keywords)
        self._show("starting", pid=self._process.pid, detail="")
        if self._stopping.is_set():
            _signal(self._process, self.child.stop_signal)
        return self._process

    async def _watch(self, process: Process) -> None:
        """Probes often until it is ready and seldom afterwards; kills it when it is late or gives no sign of life."""
        if self.child.kind == "job":
            return
        loop = asyncio.get_running_loop()
        last_sign, patience = loop.time(), self.child.start_seconds
        while True:
            if await loop.run_in_executor(self.threads, self.child.ready):
                self._now_ready()
                last_sign, patience = loop.time(), self.child.hung_seconds
            elif self.state.phase != "starting":
                self._show("unready")
                if await loop.run_in_executor(self.threads, self.child.alive):
                    last_sign = loop.time()
            if loop.time() - last_sign > patience:
                self._why = f"gave no answer for {patience:g} s and was killed"
                self._kill(process)
                return
            await asyncio.sleep(CALM_PROBE_SECONDS if self.state.phase == "ready" else EAGER_SECONDS)

    async def _after_end(self, reason: str, starts: int, lived: float) -> bool:
        """Whether it is to be started again."""
        hopeless = starts >= STARTS_BEFORE_UP or self._will_not_do() or self.child.kind == "job"
        if hopeless and not self.up():
            self._show("failed", pid=None, detail=reason)
            if self.child.vital:
                raise ChildFailed(self.child, reason)
            self.say(f"{self.child.name} could not be started: {reason}")
            return False
        delay = self._backoff.delay(lived)
        self.state.restarts += 1
        self._show("restarting", pid=None, detail=reason)
        self.say(f"{self.child.name} ended ({reason}); restart {self.state.restarts} in {delay:g} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay)
        return True

    def _will_not_do(self) -> bool:
        """It never ran, never answered, or refuses its configuration: the next start would end the same way."""
        return self._process is None or bool(self._why) or self._process.returncode == WRONG_USE

    def _now_ready(self) -> None:
        if self.state.phase == "ready":
            return
        if self.state.phase != "unready":
            self.say(f"{self.child.name} is ready")
        self._show("ready", detail="")
        self.was_ready.set()

    def _reported(self, loop: asyncio.AbstractEventLoop) -> Callable[[str], None]:
        """For `prepare`, which runs in a thread."""

        def report(text: str) -> None:
            loop.call_soon_threadsafe(self._detail, text)

        return report

    def _detail(self, text: str) -> None:
        self.state.detail = text
        self.changed()

    def _show(self, phase: Phase, pid: int | Literal["same"] | None = "same", detail: str | None = None) -> None:
        self.state.phase = phase
        if pid != "same":
            self.state.pid = pid
            self.state.identity = processes.identity(pid) if pid else None
        if detail is not None:
            self.state.detail = detail
        self.changed()

    def _kill(self, process: Process) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def ended(code: int) -> str:
    """What an exit code means to a reader."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _signal(process: Process, sent: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(sent)
