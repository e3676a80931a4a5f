"""The embedded stack as children of a supervisor: three servers, two jobs that make them ready for use, the roles."""

import http.client
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ordersys.bootstrap.stack.state import StackError, StateFolder, UpOptions
from ordersys.bootstrap.supervision.children import Child
from ordersys.config import ROLE_PORTS, ROLES, load
from ordersys.infrastructure.embedded import ports
from ordersys.infrastructure.embedded.kafka import Kafka
from ordersys.infrastructure.embedded.kafka_jars import user_cache
from ordersys.infrastructure.embedded.ports import HOST
from ordersys.infrastructure.embedded.postgres import Postgres
from ordersys.infrastructure.embedded.server import Command, Server
from ordersys.infrastructure.embedded.valkey import Valkey

USUAL_PORTS: dict[str, int] = {
    "postgres": 5432,
    "valkey": 6379,
    "kafka": 9092,
    "kafka-controller": 9093,
    **{str(role): port for role, port in ROLE_PORTS.items()},
}
JOBS = {"database": ("postgres",), "topics": ("kafka",)}
SERVER_STOP_SECONDS = 20.0
ROLE_STOP_SECONDS = 12.0  # shutdown_seconds and two more
PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The servers of one state folder, and everything that is told where they are."""

    folder: StateFolder
    options: UpOptions
    ports: Mapping[str, int]
    # The other fault points, as configured.
    rates: Mapping[str, float] = field(default_factory=dict)

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
        servers = [self._server(server) for server in (self.postgres, self.valkey, self.kafka)]
        jobs = [self._job(name, after) for name, after in JOBS.items()]
        roles = [self._role(role, name) for role, name in instances(self.options)]
        return [*servers, *jobs, *roles]

    def environment(self) -> dict[str, str]:
        """Where the servers are, as names that the settings read."""
        return {
            "ORDERSYS__POSTGRES__URL": self.postgres.url(scheme="postgresql+asyncpg"),
            "ORDERSYS__REDIS__URL": self.valkey.url(),
            "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
        }

    def _server(self, server: Server) -> Child:
        return Child(
            name=server.name,
            kind="server",
            prepare=server.prepare,
            command=server.command,
            ready=server.ready,
            alive=server.alive,
            address=lambda: server.address,
            log=self.folder.log(server.name),
            stop_signal=server.stop_signal,
            stop_seconds=SERVER_STOP_SECONDS,
        )

    def _job(self, name: str, after: tuple[str, ...]) -> Child:
        return Child(
            name=name,
            kind="job",
            after=after,
            command=lambda: self._python("ordersys.bootstrap.stack.setup", name, str(self.options.seed_number)),
            log=self.folder.log(name),
        )

    def _role(self, role: str, name: str) -> Child:
        port = self.ports[name]
        return Child(
            name=name,
            kind="role",
            after=("valkey", *JOBS),
            prepare=lambda _: ports.require_free(port),
            command=lambda: self._python("ordersys", "run", f"--role={role}", env=self._role_environment(name, port)),
            ready=answers(port, "/health/ready"),
            alive=answers(port, "/health/live"),
            address=lambda: f"http://{HOST}:{port}",
            log=self.folder.log(name),
            stop_seconds=ROLE_STOP_SECONDS,
        )

    def _role_environment(self, name: str, port: int) -> dict[str, str]:
        return {
            "ORDERSYS__INSTANCE": name,
            "ORDERSYS__HTTP__HOST": HOST,
            "ORDERSYS__HTTP__PORT": str(port),
            "ORDERSYS__KAFKA__STATIC_MEMBERSHIP": "true",
            "ORDERSYS__CHAOS__RATES": json.dumps({**self.rates, "publish.drop": self.options.publish_drop}),
            "ORDERSYS__LOG__FORMAT": "json",
        }

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
    wanted = ["postgres", "valkey", "kafka", "kafka-controller", *(name for _, name in instances(options))]
    chosen = {name: known[name] for name in wanted if name in known and name.removesuffix("-controller") in running}
    for name in wanted:
        if name not in chosen:
            preferred = [port for port in (known.get(name), USUAL_PORTS.get(name)) if port]
            chosen[name] = ports.choose(preferred, taken=chosen.values())
    folder.write_ports(known | chosen)
    rates = {str(point): rate for point, rate in load(options.config, os.environ).chaos.rates.items()}
    return Parts(folder=folder, options=options, ports=chosen, rates=rates)


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


def answers(port: int, path: str) -> Callable[[], bool]:
    """A probe: a GET is answered with 200."""

    def probe() -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
