"""The servers of a run: PostgreSQL (durable), Kafka and Valkey in a folder of their own, gone when the run is over."""

import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.database import Database
from ordersys.infrastructure.postgres import migrate
from ordersys.workshop.stack.servers import ports
from ordersys.workshop.stack.servers.child import RunningServer
from ordersys.workshop.stack.servers.kafka import LARGE_JVM, SMALL_JVM, Kafka
from ordersys.workshop.stack.servers.postgres import APPLICATION, SUPERUSER, Postgres
from ordersys.workshop.stack.servers.valkey import Valkey

ROOT: Final = Path(__file__).resolve().parents[1]
STATE: Final = ROOT / ".ordersys"
# Commit timestamps are how latencies are measured to the very commit; they cost next to nothing.
MEASURING: Final = {"track_commit_timestamp": "on"}
# As a server of its own would have it: a quarter of 16 GB.
ROOMY: Final = {"shared_buffers": "4GB", "max_wal_size": "8GB"}
TEMPLATE: Final = "bench_template"
FLIGHTS: Final = 1000

# Enough seats that none is ever sold out, whatever is measured.
ADD_FLIGHTS: Final = """
    INSERT INTO flights (id, airline, number, origin, destination, departs_at, arrives_at, price_amount, currency,
        seats_total)
    SELECT uuidv7(), 'Bench Air', 'BA' || n, 'SVO', 'LED', now() + interval '30 days', now() + interval '31 days',
        540000, 'RUB', 100000000
    FROM generate_series(1, $1::int) AS n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """`tuned`: with room for the load; otherwise as small as `ordersys up` runs them."""

    folder: Path
    tuned: bool
    postgres: RunningServer
    kafka: RunningServer
    valkey: RunningServer

    @property
    def described(self) -> str:
        if self.tuned:
            memory = ", ".join(f"{name} {value}" for name, value in ROOMY.items())
            return f"PostgreSQL with {memory}, Kafka with {' '.join(LARGE_JVM)}"
        return f"as `ordersys up` runs them (Kafka with {' '.join(SMALL_JVM)})"

    def dsn(self, database: str = APPLICATION, *, user: str = APPLICATION) -> str:
        server = self.postgres.server
        assert isinstance(server, Postgres)
        return server.url(database, user=user)

    def admin(self) -> Database:
        return Database(self.dsn("postgres", user=SUPERUSER))

    def create_database(self, name: str) -> None:
        with self.admin() as admin:
            admin.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {APPLICATION}")

    def make_template(self) -> None:
        with self.admin() as admin:
            admin.run(f"CREATE DATABASE {TEMPLATE} OWNER {APPLICATION}")
        address = self.dsn(TEMPLATE)
        asyncio.run(migrate.upgrade(address.replace("postgresql://", "postgresql+asyncpg://")))
        with Database(address) as database:
            database.run(ADD_FLIGHTS, FLIGHTS)


@contextmanager
def running(*, tuned: bool) -> Iterator[Servers]:
    """Not in the system's temporary folder: that may be memory, on which nothing is durable."""
    folder = STATE / f"bench-{os.getpid()}"
    folder.mkdir(parents=True)
    servers = _servers(folder, tuned=tuned)
    started = (servers.postgres, servers.valkey, servers.kafka)
    try:
        for server in started:
            server.start()
        servers.make_template()
        yield servers
    finally:
        for server in reversed(started):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def flush_milliseconds(folder: Path, times: int = 200) -> float:
    """What the disk needs to make 8 kB durable (median): what a commit cannot be faster than, alone."""
    path, taken = folder / "flush.probe", []
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(8192))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(taken) * 1000


def _servers(folder: Path, *, tuned: bool) -> Servers:
    taken: list[int] = []

    def port() -> int:
        taken.append(ports.choose((), taken=taken))
        return taken[-1]

    postgres = Postgres(
        data=folder / "postgres",
        port=port(),
        password_file=folder / "postgres.password",
        settings=MEASURING | (ROOMY if tuned else {}),
    )
    jvm = LARGE_JVM if tuned else SMALL_JVM
    kafka = Kafka(data=folder / "kafka", port=port(), controller_port=port(), jvm=jvm)
    valkey = Valkey(data=folder / "valkey", port=port())
    postgres_child, kafka_child, valkey_child = (
        RunningServer(server=server, log=folder / f"{server.name}.log") for server in (postgres, kafka, valkey)
    )
    return Servers(folder=folder, tuned=tuned, postgres=postgres_child, kafka=kafka_child, valkey=valkey_child)
