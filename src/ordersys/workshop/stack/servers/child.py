"""A server as a running process, for tests and tools that need just that; `ordersys up` supervises its own."""

import contextlib
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.server import Command, Server

_STOP_SECONDS = 20.0


def ends_with_parent(argv: tuple[str, ...], sent: signal.Signals) -> tuple[str, ...]:
    """The same command, asked to stop when the thread that starts it ends, however that comes about (Linux)."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", sent.name.removeprefix("SIG"), "--", *argv) if setpriv else argv


@dataclass(frozen=True, slots=True, kw_only=True)
class PopenOptions:
    """As subprocess and asyncio both take them."""

    argv: tuple[str, ...]
    keywords: dict[str, Any]


def popen_options(command: Command, out: IO[bytes], stop_signal: signal.Signals) -> PopenOptions:
    """In its own session, so that Ctrl-C at the terminal is not its business; output goes to the open file."""
    keywords = {
        "cwd": command.cwd,
        "env": command.environment(),
        "stdin": subprocess.DEVNULL,
        "stdout": out,
        "stderr": subprocess.STDOUT,
        "start_new_session": True,
        "user": command.user,
        "group": command.group,
        "extra_groups": [] if command.user is not None else None,
    }
    return PopenOptions(argv=ends_with_parent(command.argv, stop_signal), keywords=keywords)


def spawn(command: Command, log: Path, stop_signal: signal.Signals) -> "subprocess.Popen[bytes]":
    with log.open("ab") as out:
        options = popen_options(command, out, stop_signal)
        return subprocess.Popen(options.argv, **options.keywords)


@dataclass(slots=True, kw_only=True)
class RunningServer:
    """Start, stop and kill may each be called twice. Start it from the thread that lives as long as it shall."""

    server: Server
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise EmbeddedError(f"{self.server.name} was not started")
        return self.process.pid

    def start(self, within: float = 60.0) -> None:
        """Prepared, started and answering; raises with the last lines of its log when that does not come about."""
        if self.running:
            return
        deadline = time.monotonic() + within
        while True:
            self.server.prepare()
            self.process = spawn(self.server.command(), self.log, self.server.stop_signal)
            if self._comes_up(deadline):
                return
            if time.monotonic() > deadline:
                self.kill()
                raise EmbeddedError(f"{self.server.name} does not answer:\n{last_lines(self.log)}")

    def stop(self, within: float = _STOP_SECONDS) -> None:
        """Its own clean way of stopping; killed when that takes too long."""
        if self.process is None:
            return
        self.process.send_signal(self.server.stop_signal)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def _comes_up(self, deadline: float) -> bool:
        """False when it ended (after a crash the next try may do: its old helpers need a moment to go) or is late."""
        while self.running and time.monotonic() < deadline:
            if self.server.ready():
                return True
            time.sleep(0.02)
        return False


def last_lines(log: Path, count: int = 15) -> str:
    try:
        with log.open("rb") as content:
            content.seek(max(0, log.stat().st_size - 16_384))
            return "\n".join(content.read().decode(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
