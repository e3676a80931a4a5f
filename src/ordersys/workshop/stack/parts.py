"""The embedded stack as children of a supervisor: three servers, two jobs that make them ready for use, the roles."""

import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from ordersys.config import ROLE_PORTS, ROLES, Settings, load
from ordersys.workshop.stack.servers import ports, web_page
from ordersys.workshop.stack.servers.kafka import Kafka
from ordersys.workshop.stack.servers.kafka_jars import user_cache
from ordersys.workshop.stack.servers.ports import HOST
from ordersys.workshop.stack.servers.postgres import Postgres
from ordersys.workshop.stack.servers.probes import http_answers
from ordersys.workshop.stack.servers.server import Command, ReportProgress, Server
from ordersys.workshop.stack.servers.valkey import Valkey
from ordersys.workshop.stack.servers.web_page import WebPage
from ordersys.workshop.stack.state import StackError, StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import Child

USUAL_PORTS: dict[str, int] = {
    "postgres": 5432,
    "valkey": 6379,
    "kafka": 9092,
    "kafka-controller": 9093,
    **{str(role): port for role, port in ROLE_PORTS.items()},
    "page": 5173,
}
FRONTEND = Path("frontend")
# Both are told where PostgreSQL is, and its first preparation makes the password that belongs to that.
JOBS = {"database": ("postgres",), "topics": ("postgres", "kafka")}
SERVER_STOP_SECONDS = 20.0
ROLE_START_SECONDS = 60.0
RECOVERY_SECONDS = 600.0  # PostgreSQL after a crash: it may have much to do again, and must not be disturbed
PAGE_START_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class PortAllocations:
    """Who listens where. A port is kept for later starts of the folder, and for good once its owner has answered."""

    folder: StateFolder
    chosen: dict[str, int]
    settled: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __getitem__(self, name: str) -> int:
        return self.chosen[name]

    def settle(self, name: str) -> None:
        """Before a start: somebody may have taken the port since it was chosen. Raises when it has to be this one."""
        with self._lock:
            if name in self.settled:
                ports.require_free(self.chosen[name])
            elif not ports.is_free(self.chosen[name]):
                self.chosen[name] = ports.choose((), taken=self.chosen.values())
                self.write()

    def keep(self, answered: bool, *names: str) -> bool:
        """Passes an answer on; after a first good one others rely on these ports."""
        if answered:
            self.settled.update(names)
        return answered

    def write(self) -> None:
        self.folder.write_ports(self.folder.read_ports() | self.chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The servers of one state folder, and everything that is told where they are."""

    folder: StateFolder
    options: UpOptions
    ports: PortAllocations
    # As configured, before the stack puts its own addresses in.
    settings: Settings
    # Why there is no web page; "" when there is one, or none is wanted.
    no_page: str = ""

    @property
    def postgres(self) -> Postgres:
        data, secret = self.folder.path / "postgres", self.folder.password_file
        return Postgres(data=data, port=self.ports["postgres"], password_file=secret)

    @property
    def valkey(self) -> Valkey:
        return Valkey(data=self.folder.path / "valkey", port=self.ports["valkey"])

    @property
    def kafka(self) -> Kafka:
        data = self.folder.path / "kafka"
        return Kafka(data=data, port=self.ports["kafka"], controller_port=self.ports["kafka-controller"])

    def children(self) -> list[Child]:
        servers = [
            self._server(lambda: self.postgres, "postgres"),
            self._server(lambda: self.valkey, "valkey"),
            self._server(lambda: self.kafka, "kafka", "kafka-controller"),
        ]
        jobs = [self._job(name, after) for name, after in JOBS.items()]
        roles = [self._role(role, name) for role, name in instances(self.options)]
        return [*servers, *jobs, *roles, *self._pages()]

    @property
    def page(self) -> WebPage:
        return WebPage(folder=FRONTEND.absolute(), port=self.ports["page"], api=f"http://{HOST}:{self.ports['api']}")

    def environment(self) -> dict[str, str]:
        """Where the servers are, as names that the settings read."""
        return {
            "ORDERSYS__POSTGRES__URL": self.postgres.url(scheme="postgresql+asyncpg"),
            "ORDERSYS__REDIS__URL": self.valkey.url(),
            "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
        }

    def _server(self, server: Callable[[], Server], *ports_of: str) -> Child:
        """Built anew for each call: its port is settled only when it is prepared."""

        def prepare(report: ReportProgress) -> None:
            for name in ports_of:
                self.ports.settle(name)
            server().prepare(report)

        return Child(
            name=ports_of[0],
            kind="server",
            prepare=prepare,
            command=lambda: server().command(),
            ready=lambda: self.ports.keep(server().ready(), *ports_of),
            alive=lambda: server().alive(),
            address=lambda: server().address,
            log=self.folder.log(ports_of[0]),
            stop_signal=server().stop_signal,
            start_seconds=RECOVERY_SECONDS,
            stop_seconds=SERVER_STOP_SECONDS,
        )

    def _job(self, name: str, after: tuple[str, ...]) -> Child:
        return Child(
            name=name,
            kind="job",
            after=after,
            command=lambda: self._python("ordersys.workshop.setup", name, str(self.options.seed_number)),
            log=self.folder.log(name),
        )

    def _role(self, role: str, name: str) -> Child:
        def prepare(_: ReportProgress) -> None:
            self.ports.settle(name)

        return Child(
            name=name,
            kind="role",
            after=("valkey", *JOBS),
            prepare=prepare,
            command=lambda: self._python("ordersys", "run", f"--role={role}", env=self._role_environment(name)),
            ready=lambda: self.ports.keep(http_answers(self.ports[name], "/health/ready"), name),
            alive=lambda: http_answers(self.ports[name], "/health/live"),
            address=lambda: f"http://{HOST}:{self.ports[name]}",
            log=self.folder.log(name),
            start_seconds=ROLE_START_SECONDS,
            stop_seconds=self.settings.shutdown_seconds + 2,
        )

    def _pages(self) -> list[Child]:
        """None or one. It speaks to the first api, so it comes after it."""
        if not self.options.page or self.no_page:
            return []
        served = self._server(lambda: self.page, "page")
        return [replace(served, kind="page", after=("api",), vital=False, start_seconds=PAGE_START_SECONDS)]

    def _role_environment(self, name: str) -> dict[str, str]:
        rates = {str(point): rate for point, rate in self.settings.chaos.rates.items()}
        return {
            "ORDERSYS__INSTANCE": name,
            "ORDERSYS__HTTP__HOST": HOST,
            "ORDERSYS__HTTP__PORT": str(self.ports[name]),
            "ORDERSYS__KAFKA__STATIC_MEMBERSHIP": "true",
            "ORDERSYS__CHAOS__RATES": json.dumps({**rates, "publish.drop": self.options.publish_drop}),
            "ORDERSYS__LOG__FORMAT": "json",
            **self._detour(),
        }

    def _detour(self) -> dict[str, str]:
        via = self.options.postgres_via
        if not via:
            return {}
        straight = self.postgres.url(scheme="postgresql+asyncpg")
        return {"ORDERSYS__POSTGRES__URL": straight.replace(f"@{HOST}:{self.ports['postgres']}/", f"@{via}/")}

    def _python(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Command:
        config = ("--config", str(self.options.config)) if self.options.config else ()
        ours = {**self.environment(), **(env or {})}
        return Command(
            argv=(sys.executable, "-m", module, *arguments, *config),
            cwd=Path.cwd(),
            env=ours | {"PYTHONUNBUFFERED": "1"} | _bytecode(),
            # A secret file that the user's shell names would beat our value.
            without=("PYTHONDONTWRITEBYTECODE", *(f"{name}__FILE" for name in ours)),
        )


def _bytecode() -> dict[str, str]:
    """Without compiled files a role needs more than twice as long to come back; who wants none in the tree gets them
    in the cache.
    """
    return {"PYTHONPYCACHEPREFIX": str(user_cache() / "pycache")} if sys.dont_write_bytecode else {}


def assemble(folder: StateFolder, options: UpOptions, running: Collection[str] = ()) -> Parts:
    """Chooses a port for every part that is not in `running`, and keeps it for the folder's later starts."""
    known = folder.read_ports()
    names = [name for _, name in instances(options)]
    no_page = _no_page(names) if options.page else ""
    pages = ["page"] if options.page and not no_page else []
    wanted = ["postgres", "valkey", "kafka", "kafka-controller", *names, *pages]
    running_ports = {name for name in wanted if name in known and name.removesuffix("-controller") in running}
    book = PortAllocations(folder=folder, chosen={name: known[name] for name in running_ports}, settled=running_ports)
    for name in wanted:
        if name not in running_ports:
            preferred = [port for port in (known.get(name), USUAL_PORTS.get(name)) if port]
            book.chosen[name] = ports.choose(preferred, taken=book.chosen.values())
    book.write()
    settings = load(options.config, os.environ)
    return Parts(folder=folder, options=options, ports=book, settings=settings, no_page=no_page)


def _no_page(roles: Collection[str]) -> str:
    return web_page.missing(FRONTEND) if "api" in roles else "it needs the role api, and none is to run"


def instances(options: UpOptions) -> Iterator[tuple[str, str]]:
    """(role, name) of every process: worker, worker-2, worker-3 …"""
    for role in ROLES if options.roles else ():
        for number in range(1, options.scale.get(role, 1) + 1):
            yield role, role if number == 1 else f"{role}-{number}"


def check_scale(scale: Mapping[str, int]) -> None:
    for role, count in scale.items():
        if role not in ROLES:
            raise StackError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}", 2)
        if not 0 <= count <= 16:
            raise StackError(f"{role} can be scaled to 0 up to 16 processes, not {count}", 2)


def check_detour(via: str) -> None:
    host, _, port = via.rpartition(":")
    if via and not (host and port.isdecimal()):
        raise StackError(f"the way to PostgreSQL is given as HOST:PORT, not {via!r}", 2)
