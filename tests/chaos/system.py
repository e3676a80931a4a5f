"""The running stack as the rig sees it: its processes, each role's own counters, the database, the supervisor's log.

A look is cheap (no process, no new connection), because the rig looks many times a second while the load runs.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any, Final

import aiohttp
import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ordersys.config import ROLES
from ordersys.workshop.stack.parts import instances
from ordersys.workshop.stack.servers import ports, processes
from ordersys.workshop.stack.state import StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import CALM_SECONDS, ChildState
from tests.chaos.proxy import HOST, Proxy
from tests.e2e.stack import Stack

ANSWER_SECONDS: Final = 2.0
# What a role does, by its own count: a new process begins at zero, so any work shows that this very process works.
WORK: Final[Mapping[str, str]] = {
    "api": "ordersys_orders_created_total",
    "worker": "ordersys_outbox_events_published_total",
    "consumer": "ordersys_events_processed_total",
    "payment": "ordersys_events_processed_total",
    "ticket": "ordersys_events_processed_total",
}
GROUPS: Final[Mapping[str, str]] = {
    "consumer": "order-service",
    "payment": "payment-service",
    "ticket": "ticket-service",
}
IN_FLIGHT: Final = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 1000) AS pending"
OPEN_ORDERS: Final = "SELECT count(*) FROM orders WHERE status NOT IN ('COMPLETED', 'CANCELLED', 'REFUNDED')"
IN_TRANSACTION: Final = """SELECT count(*) FROM pg_stat_activity
    WHERE application_name = $1 AND state LIKE 'idle in transaction%'"""


def member(name: str) -> str:
    """The process's static name in its group, without the mark of its topics."""
    return f"{GROUPS[role_of(name)]}-{name}"


def role_of(name: str) -> str:
    """worker-2 is a worker."""
    return name.partition("-")[0]


@dataclass(slots=True, kw_only=True)
class System:
    """One that `open` was called on. `scale`: how many of each role there are."""

    stack: Stack
    scale: Mapping[str, int]
    proxy: Proxy = field(init=False)
    _http: aiohttp.ClientSession | None = None
    _database: asyncpg.Connection | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.proxy = Proxy(upstream=self._postgres_port)

    async def open(self) -> None:
        """Starts the stack with the proxy between its roles and PostgreSQL."""
        await self.proxy.start()
        self._take_ports()
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        via = ("--postgres-via", f"{HOST}:{self.proxy.port}")
        await asyncio.to_thread(self.stack.up, *via, *self._scales(self.scale))

    def _take_ports(self) -> None:
        """Not the usual ones: somebody may expect another stack there, and order from this one."""
        folder = StateFolder(path=self.stack.folder / ".ordersys")
        folder.create()
        chosen: dict[str, int] = {}
        names = [name for _, name in instances(UpOptions(scale=self.scale))]
        for name in ("postgres", "valkey", "kafka", "kafka-controller", *names):
            chosen[name] = ports.choose((), taken=chosen.values())
        folder.write_ports(chosen)

    async def close(self) -> None:
        self._forget()
        if self._http is not None:
            await self._http.close()
        await asyncio.to_thread(self.stack.down)
        await self.proxy.stop()

    async def rescale(self, **changes: int) -> None:
        await asyncio.to_thread(self.stack.up, *self._scales({**self.scale, **changes}))

    def states(self) -> Mapping[str, ChildState]:
        return self.stack.services()

    def state(self, name: str) -> ChildState | None:
        return self.states().get(name)

    def instances(self, role: str) -> Sequence[str]:
        return [name for name, state in self.states().items() if state.kind == "role" and role_of(name) == role]

    def roles(self) -> Sequence[str]:
        return [name for role in ROLES for name in self.instances(role)]

    def healthy(self) -> bool:
        """Everything that belongs there is there and ready."""
        states = self.states()
        wanted = sum(self.scale.get(role, 1) for role in ROLES) + 3
        return len(states) == wanted and all(state.ready for state in states.values())

    def calm(self, name: str) -> bool:
        """It has lived so long that its next start is not delayed any more."""
        state = self.state(name)
        return state is not None and state.ready and self.age(state) > CALM_SECONDS + 1

    def age(self, state: ChildState) -> float:
        """Seconds that its process lives, give or take one."""
        if state.pid is None:
            return 0
        return time() - processes.started_at(state.pid)

    def signal(self, name: str, sent: signal.Signals) -> ChildState:
        """Answers what it was before."""
        state = self.states()[name]
        assert state.pid is not None, f"{name} does not run"
        os.kill(state.pid, sent)
        return state

    async def work(self, name: str) -> float | None:
        """What this process has done since it began; None while it does not say."""
        state = self.state(name)
        return None if state is None else await self.metric(state.address, WORK[role_of(name)])

    async def metric(self, address: str, name: str) -> float | None:
        """The sum over all labels; None when there is no answer."""
        assert self._http is not None
        try:
            async with self._http.get(f"{address}/metrics") as reply:
                return total(await reply.text(), name)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def value(self, statement: str, *bound: object) -> Any:
        """One value of the database, asked straight and not through the proxy. Raises when it is away."""
        async with self._asking:
            try:
                return await self._ask(statement, *bound)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                # The server was away since the last question: the connection is an old one.
                self._forget()
                return await self._ask(statement, *bound)

    async def _ask(self, statement: str, *bound: object) -> Any:
        if self._database is None:
            address = self.states()["postgres"].address
            self._database = await asyncpg.connect(address, timeout=ANSWER_SECONDS, command_timeout=30)
        return await self._database.fetchval(statement, *bound)

    def _forget(self) -> None:
        if self._database is not None:
            self._database.terminate()
            self._database = None

    async def members(self, group: str) -> Mapping[str, int]:
        """By static member, see `member`: how many partitions of the group it has; empty while nobody says."""
        return await asyncio.to_thread(self._members, group)

    def _members(self, group: str) -> Mapping[str, int]:
        """By a client that lives for this question: none is there when the broker is killed."""
        kafka = AdminClient({"bootstrap.servers": self.states()["kafka"].address, "log_level": 0})
        asked = kafka.describe_consumer_groups([group], request_timeout=ANSWER_SECONDS)[group]
        try:
            return {
                str(one.group_instance_id).rpartition("-")[0]: (
                    len(one.assignment.topic_partitions) if one.assignment else 0
                )
                for one in asked.result().members
            }
        except KafkaException:
            return {}

    def log(self, name: str) -> "Log":
        return Log(path=self.stack.folder / ".ordersys" / "logs" / f"{name}.log")

    def _postgres_port(self) -> int:
        return int(self.states()["postgres"].address.rpartition(":")[2].partition("/")[0])

    def _scales(self, scale: Mapping[str, int]) -> list[str]:
        return [word for role, count in scale.items() for word in ("--scale", f"{role}={count}")]


@dataclass(slots=True, kw_only=True)
class Log:
    """What a log says from now on."""

    path: Path
    _from: int = field(init=False)

    def __post_init__(self) -> None:
        self._from = self._size()

    def new(self) -> str:
        """The supervisor cuts a log that has grown too long: then what is there is new."""
        start = self._from if self._size() >= self._from else 0
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def total(metrics: str, name: str) -> float:
    """Prometheus's text format, the sum over the labels of one metric."""
    lines = (line for line in metrics.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
    return sum(float(line.rpartition(" ")[2]) for line in lines)
