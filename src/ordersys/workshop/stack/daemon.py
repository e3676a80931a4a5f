"""The long-lived process behind `ordersys up`: holds the folder's lock, supervises, writes the state that others read.

SIGTERM ends the stack, SIGHUP makes it read its options again (another scale). It is started detached by `stack.up`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ordersys.config import ConfigError
from ordersys.workshop.stack import leftovers
from ordersys.workshop.stack.parts import assemble
from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.servers.child import last_lines
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.state import StackError, StackPhase, StackState, StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import Child, ChildFailed, ChildState
from ordersys.workshop.stack.supervision.supervisor import Supervisor


def say(text: str) -> None:
    print(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}", flush=True)  # noqa: T201  # the daemon's log


@dataclass(slots=True, kw_only=True)
class Daemon:
    folder: StateFolder
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    services: Sequence[ChildState] = ()
    up: bool = False
    error: str = ""
    no_page: str = ""

    async def run(self, options: UpOptions) -> None:
        supervisor = Supervisor(publish=self.publish, say=say)
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self.stop)
        await asyncio.to_thread(leftovers.end, self.folder, say)
        self.publish((), False)
        children = self.children(options)
        changing: set[asyncio.Task[None]] = set()
        loop.add_signal_handler(signal.SIGHUP, lambda: changing.add(asyncio.create_task(self.change(supervisor))))
        await supervisor.run(children, self.stopping)

    def stop(self) -> None:
        say("asked to stop")
        self.stopping.set()
        self.publish(self.services, self.up)

    async def change(self, supervisor: Supervisor) -> None:
        options = self.folder.read_options()
        say(f"asked to change to {dict(options.scale) or 'one of each role'}")
        running = {state.name for state in supervisor.states}
        await supervisor.change(self.children(options, running))

    def children(self, options: UpOptions, running: Collection[str] = ()) -> list[Child]:
        parts = assemble(self.folder, options, running)
        self.no_page = parts.no_page
        return parts.children()

    def publish(self, services: Sequence[ChildState], up: bool) -> None:
        self.services, self.up = services, up
        self.write("stopping" if self.stopping.is_set() else "running" if up else "starting")

    def write(self, phase: StackPhase) -> None:
        pid = os.getpid()
        state = StackState(
            phase=phase,
            pid=pid,
            identity=processes.identity(pid) or "",
            services=self.services,
            error=self.error,
            no_page=self.no_page,
        )
        try:
            self.folder.write(state)
        except OSError as error:
            say(f"the state could not be written: {error}")
            if not self.up and not self.stopping.is_set():
                # Whoever waits for the start would wait for ever.
                self.error = f"the state folder cannot be written: {error}"
                self.stopping.set()


def supervise(state: Path) -> int:
    """Runs the stack of this folder until SIGTERM. 0 after a clean end, 1 when it could not come up."""
    folder = StateFolder(path=state)
    try:
        with folder.locked("supervisor", f"the stack in {state} is already supervised"):
            return _supervise(folder)
    except StackError as error:
        say(str(error))
        return error.exit_code


def _supervise(folder: StateFolder) -> int:
    daemon = Daemon(folder=folder)
    try:
        asyncio.run(daemon.run(folder.read_options()))
    except ChildFailed as failure:
        log = last_lines(failure.child.log)
        daemon.error = f"{failure.child.name} could not be started: {failure.reason}" + (f"\n{log}" if log else "")
    except (StackError, EmbeddedError, ConfigError, OSError) as error:
        daemon.error = str(error)
    say(daemon.error or "stopped")
    daemon.write("failed" if daemon.error else "stopped")
    return 1 if daemon.error else 0


if __name__ == "__main__":
    code = supervise(Path(sys.argv[1]))
    sys.stdout.flush()
    # A thread may still wait for a download; nobody needs it any more.
    os._exit(code)
