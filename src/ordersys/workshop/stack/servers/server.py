"""What a supervisor, or a test, has to know of a server that runs as a child process."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

ReportProgress = Callable[[str], None]


def quietly(_: str) -> None:
    """The report that goes nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One process to start: `env` is added to our own less `without`; `user` and `group` only when we are root."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in self.without} | dict(self.env)


class Server(Protocol):
    """Calls block; each may be repeated. `prepare` stands before every start, also before a restart after a crash."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def stop_signal(self) -> signal.Signals: ...

    def prepare(self, report: ReportProgress = quietly) -> None: ...

    def command(self) -> Command: ...

    def ready(self) -> bool: ...

    def alive(self) -> bool: ...
