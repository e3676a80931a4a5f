"""Runs a set of processes that depend on each other: starts them in order, keeps them, stops them in the other order.

It knows nothing of what they are. A child is started when all that it comes `after` were ready once, and stopped when
nothing that comes after it runs any more. Before all were ready once, a child that fails ends the whole; afterwards it
is started again for as long as it takes.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ordersys.workshop.stack.supervision.children import Child, ChildFailed, ChildState
from ordersys.workshop.stack.supervision.supervised_process import SupervisedProcess

_PUBLISH_SECONDS = 0.05
_LOG_SECONDS = 5.0
_PREPARE_SECONDS = 3.0
LOG_BYTES = 20 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """`publish` is told the states of all children after a change, at most every 50 ms; `say` gets a line per event."""

    publish: Callable[[Sequence[ChildState], bool], None]
    say: Callable[[str], None]
    log_bytes: int = LOG_BYTES
    _processes: dict[str, SupervisedProcess] = field(default_factory=dict)
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _failed: "asyncio.Queue[BaseException]" = field(default_factory=asyncio.Queue)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(24, "probe"))
    _up: bool = False

    @property
    def states(self) -> list[ChildState]:
        return [process.state for process in self._processes.values()]

    async def run(self, children: Sequence[Child], stop: asyncio.Event) -> None:
        """Until `stop` is set; raises ChildFailed when it never came up. Nothing is left running in either case."""
        routine = [asyncio.create_task(self._publish_changes()), asyncio.create_task(self._cap_logs())]
        self._add(children)
        stopped = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(self._failed.get())
        try:
            await asyncio.wait([stopped, failed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._stop(list(self._processes))
            for task in (*routine, stopped):
                task.cancel()
            self.publish(self.states, self._up)
            self._threads.shutdown(wait=False, cancel_futures=True)
        if failed.done():
            raise failed.result()
        failed.cancel()

    async def change(self, children: Sequence[Child]) -> None:
        """Stops what is not in the list any more and starts what is new; the others are left alone."""
        wanted = {child.name for child in children}
        gone = [name for name in self._processes if name not in wanted]
        await self._stop(gone)
        for name in gone:
            del self._processes[name], self._tasks[name]
        self._add(child for child in children if child.name not in self._processes)

    def _add(self, children: Iterable[Child]) -> None:
        new = [
            SupervisedProcess(
                child=child, changed=self._changed, up=lambda: self._up, threads=self._threads, say=self.say
            )
            for child in children
        ]
        self._processes |= {process.child.name: process for process in new}
        self._tasks |= {process.child.name: asyncio.create_task(self._keep(process)) for process in new}

    async def _keep(self, process: SupervisedProcess) -> None:
        try:
            for name in process.child.after:
                await self._processes[name].was_ready.wait()
            await process.run()
        except ChildFailed as error:
            self._failed.put_nowait(error)
        except asyncio.CancelledError:
            process.state.phase = "stopped"
            raise
        except Exception as error:  # noqa: BLE001  # a bug in a probe must not leave processes that nobody watches
            self._failed.put_nowait(error)

    async def _stop(self, names: Iterable[str]) -> None:
        """Wave after wave: first those that nothing else rests on."""
        left = set(names)
        while left:
            needed = {earlier for name in left for earlier in self._processes[name].child.after}
            wave = left - needed or left
            await asyncio.gather(*(self._stop_one(name) for name in wave))
            left -= wave

    async def _stop_one(self, name: str) -> None:
        process, task = self._processes[name], self._tasks[name]
        await process.stop()
        if process.state.phase == "preparing":
            await asyncio.wait({task}, timeout=_PREPARE_SECONDS)
        if process.state.phase in ("waiting", "preparing"):
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._changed()

    def _changed(self) -> None:
        self._up = self._up or all(process.state.settled for process in self._processes.values())
        self._dirty.set()

    async def _publish_changes(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self.publish(self.states, self._up)
            await asyncio.sleep(_PUBLISH_SECONDS)

    async def _cap_logs(self) -> None:
        while True:
            await asyncio.sleep(_LOG_SECONDS)
            for process in list(self._processes.values()):
                await asyncio.to_thread(cap_log, process.child.log, self.log_bytes)


def cap_log(log: Path, size: int) -> None:
    """Keeps one older part beside it. The writer appends, so it goes on at the new end after the cut."""
    try:
        if log.stat().st_size <= size:
            return
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
    except OSError:
        return
