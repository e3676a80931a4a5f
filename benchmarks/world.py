"""One bench's own world on the shared servers: a database, topics, and the product's roles as processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.database import Database
from benchmarks.servers import ROOT, Servers
from ordersys.config import Settings, load
from ordersys.entrypoint.http.tokens import mint
from ordersys.infrastructure.kafka import topics
from ordersys.workshop.stack.servers import ports
from ordersys.workshop.stack.servers.child import last_lines, spawn
from ordersys.workshop.stack.servers.ports import HOST
from ordersys.workshop.stack.servers.probes import http_answers
from ordersys.workshop.stack.servers.server import Command

CUSTOMERS: Final = 50
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20
EVERYTHING: Final = ("api", "worker", "consumer", "payment", "ticket")
EMPTY: Final = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
            AND relname NOT IN ('alembic_version', 'flights', 'outbox_shards', 'outbox_workers', 'chaos_rates')
        LOOP EXECUTE 'TRUNCATE ' || quote_ident(name) || ' CASCADE'; END LOOP;
    END $$
"""


class NotStarted(Exception):
    """A process did not become ready; the message has the end of its log."""


@dataclass(slots=True, kw_only=True)
class Process:
    """A started role, peer or ceiling."""

    name: str
    port: int
    log: Path
    popen: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        return self.popen.pid

    def await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not http_answers(self.port, "/health/ready"):
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{self.name} does not answer:\n{last_lines(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    servers: Servers
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def dsn(self) -> str:
        return self.servers.dsn(self.name)

    def environment(self, **more: str) -> dict[str, str]:
        """As the product reads it: everything by default, but for addresses, and no faults."""
        return {
            "ORDERSYS__POSTGRES__URL": self.dsn.replace("postgresql://", "postgresql+asyncpg://"),
            "ORDERSYS__REDIS__URL": self.servers.valkey.server.address,
            "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": self.servers.kafka.server.address,
            "ORDERSYS__KAFKA__TOPIC_PREFIX": f"{self.name}.",
            "ORDERSYS__KAFKA__STATIC_MEMBERSHIP": "true",
            "ORDERSYS__HTTP__HOST": HOST,
            "ORDERSYS__LOG__FORMAT": "json",
            "ORDERSYS__LOG__LEVEL": "info",
            **self.settings,
            **more,
        }

    def configuration(self) -> Settings:
        return load(None, self.environment())

    def database(self) -> Database:
        return Database(self.dsn)

    def empty(self) -> None:
        """Takes all orders and messages away; the flights stay, with all their seats."""
        with self.database() as database:
            database.run(EMPTY)
            database.run("UPDATE flights SET seats_taken = 0 WHERE seats_taken > 0")
            database.run("VACUUM flights")

    def flights(self, count: int) -> list[str]:
        with self.database() as database:
            return [str(row[0]) for row in database.rows("SELECT id FROM flights ORDER BY id LIMIT $1", count)]

    def start(self, name: str, *arguments: str, settings: Mapping[str, str] | None = None) -> Process:
        """`python -m arguments`, told where everything is, and which port to take."""
        port = ports.choose(())
        own = {"ORDERSYS__INSTANCE": name, "ORDERSYS__HTTP__PORT": str(port), **(settings or {})}
        ours = self.environment(**own) | {"PYTHONPATH": str(ROOT)}
        command = Command(
            argv=(sys.executable, "-m", *arguments),
            cwd=self.servers.folder,  # no config.yaml there
            env=ours,
            without=tuple(name for name in os.environ if name.startswith("ORDERSYS__")),
        )
        log = self.servers.folder / f"{self.name}-{name}.log"
        return Process(name=name, port=port, log=log, popen=spawn(command, log, signal.SIGTERM))

    @contextmanager
    def roles(self, *roles: str, settings: Mapping[str, str] | None = None) -> Iterator[dict[str, Process]]:
        """The product's own processes, ready; by role."""
        arguments = {role: (role, "ordersys", "run", f"--role={role}") for role in roles}
        with self.processes(arguments, settings) as started:
            yield started

    @contextmanager
    def processes(
        self, wanted: Mapping[str, tuple[str, ...]], settings: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Process]]:
        started: dict[str, Process] = {}
        try:
            for key, (name, *arguments) in wanted.items():
                started[key] = self.start(name, *arguments, settings=settings)
            for process in started.values():
                process.await_ready()
            yield started
        finally:
            for process in started.values():
                process.stop()


def create(servers: Servers, name: str, **settings: str) -> World:
    world = World(servers=servers, name=f"bench_{name}", settings=settings)
    servers.create_database(world.name)
    asyncio.run(topics.ensure(world.configuration()))
    return world


def tokens(count: int = CUSTOMERS) -> list[str]:
    """Of so many customers, `customer-0` and on."""
    auth, now = Settings().auth, datetime.now(UTC)
    return [mint(auth, f"customer-{number}", "customer", now) for number in range(count)]
