"""What a supervisor is told of a process, and what it tells of it."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ordersys.workshop.stack.servers.server import Command, ReportProgress

ChildKind = Literal["server", "role", "page", "job"]
Phase = Literal[
    "waiting",  # for what it comes after
    "preparing",
    "starting",  # runs, does not answer yet
    "ready",
    "unready",  # runs and lives, but says that it cannot work just now
    "restarting",  # ended by itself, waits for its next start
    "done",  # a job that succeeded
    "stopped",
    "failed",
]
DELAYS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# A process that ends at once, over and over, is what the delays are for; this long a life is no loop.
CALM_SECONDS = 10.0


def nothing(_: ReportProgress) -> None:
    """Needs no preparation."""


def yes() -> bool:
    """A child that is ready as soon as it runs."""
    return True


def nowhere() -> str:
    """Cannot be reached."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process. `prepare`, `address` and `command` are called in this order before every start, and may block.

    `ready` and `alive` are asked over and over; `alive` false for long means that it hangs. A job runs once, to its
    end; what comes after it waits for exit code 0. Without a child that is not `vital` the whole comes up, too.
    """

    name: str
    kind: ChildKind
    command: Callable[[], Command]
    log: Path
    address: Callable[[], str] = nowhere
    after: tuple[str, ...] = ()
    vital: bool = True
    prepare: Callable[[ReportProgress], None] = nothing
    ready: Callable[[], bool] = yes
    alive: Callable[[], bool] = yes
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 12.0
    start_seconds: float = 120.0
    hung_seconds: float = 15.0


@dataclass(slots=True, kw_only=True)
class ChildState:
    """`identity` tells the process from any that gets its number later; `detail` says what it does or why it ended."""

    name: str
    kind: ChildKind
    address: str = ""
    stop_signal: int = signal.SIGTERM
    phase: Phase = "waiting"
    pid: int | None = None
    identity: str | None = None
    restarts: int = 0
    detail: str = ""
    vital: bool = True

    @property
    def ready(self) -> bool:
        return self.phase in ("ready", "done")

    @property
    def settled(self) -> bool:
        """Nobody has to wait for it: it is ready, or the whole comes up without it."""
        return self.ready or (self.phase == "failed" and not self.vital)


class ChildFailed(Exception):
    """A process could not be started, or ended again and again before the whole was ever up."""

    def __init__(self, child: Child, reason: str) -> None:
        self.child = child
        self.reason = reason
        super().__init__(f"{child.name}: {reason}")


@dataclass(slots=True, kw_only=True)
class Backoff:
    """The first restart is nearly at once, later ones wait longer; a life of `calm` seconds starts it over."""

    delays: Sequence[float] = DELAYS
    calm: float = CALM_SECONDS
    _next: int = 0

    def delay(self, lived: float) -> float:
        if lived >= self.calm:
            self._next = 0
        delay = self.delays[min(self._next, len(self.delays) - 1)]
        self._next += 1
        return delay
