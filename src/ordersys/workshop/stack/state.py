"""What the supervisor writes into the state folder for everybody else, each file replaced whole."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.supervision.children import ChildState

StackPhase = Literal["starting", "running", "stopping", "stopped", "failed"]
RUNS: tuple[StackPhase, ...] = ("starting", "running", "stopping")


class StackError(Exception):
    """The stack cannot do what was asked; the text is for the terminal. Exit code 1: failed, 2: asked wrongly."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """`scale`: role -> how many; `seed_number` draws the flights; `page`: with the web page, if it is there.

    `postgres_via`: HOST:PORT by which the roles reach PostgreSQL, as through a pooler; empty: straight.
    """

    state: Path = Path(".ordersys")
    scale: Mapping[str, int] = field(default_factory=dict)
    publish_drop: float = 0.2
    seed_number: int = 2026
    page: bool = False
    config: Path | None = None
    # Without roles, jobs run all the same: a migrated, seeded set of servers for tests and tools.
    roles: bool = True
    postgres_via: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """`services` are the states of the children as they were last written; `no_page` says why there is no web page."""

    phase: StackPhase
    pid: int
    identity: str
    services: Sequence[ChildState] = ()
    error: str = ""
    no_page: str = ""

    @property
    def supervised(self) -> bool:
        """The supervisor that wrote this is still there."""
        return processes.alive(self.pid, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFolder:
    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def password_file(self) -> Path:
        return self.path / "postgres.password"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Raises StackError when nothing can be written there."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".writable.{os.getpid()}"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise StackError(f"the state folder {self.path} cannot be written: {error.strerror}", 2) from error

    def read(self) -> StackState | None:
        """None when nothing was ever started here; a file that cannot be understood counts as that, too."""
        try:
            content = json.loads((self.path / "state.json").read_bytes())
            services = [ChildState(**service) for service in content.pop("services")]
            return StackState(**content, services=services)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, state: StackState) -> None:
        self._replace("state.json", asdict(state))

    def write_options(self, options: UpOptions) -> None:
        content = asdict(options) | {"state": str(options.state), "config": str(options.config or "")}
        self._replace("options.json", content)

    def read_options(self) -> UpOptions:
        content = json.loads((self.path / "options.json").read_bytes())
        config = content.pop("config")
        return UpOptions(**content | {"state": Path(content["state"]), "config": Path(config) if config else None})

    def read_ports(self) -> dict[str, int]:
        try:
            return {str(name): int(port) for name, port in json.loads((self.path / "ports.json").read_bytes()).items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def write_ports(self, ports: Mapping[str, int]) -> None:
        self._replace("ports.json", dict(ports))

    @contextmanager
    def locked(self, name: str, refusal: str) -> Iterator[None]:
        """Held for the block, freed by the system when the process ends in any way."""
        with (self.path / f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(refusal) from None
            yield

    def _replace(self, name: str, content: Mapping[str, Any]) -> None:
        """The addresses hold a password, so the file is its owner's from its first moment."""
        draft = self.path / f".{name}.{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(content))
        draft.replace(self.path / name)
