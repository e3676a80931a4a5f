"""The real servers as tests use them. Each can be stopped, killed and started again on the same port with its data."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ordersys.config import RedisSettings, Secret
from ordersys.workshop.stack.servers import ports
from ordersys.workshop.stack.servers.child import RunningServer
from ordersys.workshop.stack.servers.kafka import Kafka
from ordersys.workshop.stack.servers.postgres import SUPERUSER, Postgres
from ordersys.workshop.stack.servers.valkey import Valkey

LENT_POSTGRES: Final = "TESTS_POSTGRES"
# For what does not need one: somebody's own may listen on the usual port.
NO_REDIS: Final = RedisSettings(url=Secret("redis://127.0.0.1:1/0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestServer:
    running: RunningServer

    @property
    def pid(self) -> int:
        return self.running.pid

    def start(self) -> None:
        """Returns when it answers; nothing to do when it runs."""
        self.running.start()

    def stop(self) -> None:
        self.running.stop()

    def kill(self) -> None:
        self.running.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer(_TestServer):
    server: Postgres

    def url(self, database: str = "ordersys") -> str:
        """As the settings want it."""
        return self.server.url(database, scheme="postgresql+asyncpg")

    @property
    def admin_url(self) -> str:
        return self.server.url("postgres", user=SUPERUSER, scheme="postgresql+asyncpg")

    def lent(self) -> Mapping[str, str]:
        """The environment in which a child's tests use this server, its migrated template included."""
        return {LENT_POSTGRES: f"{self.server.port}:{self.server.data.parent}"}


class LentPostgres(PostgresServer):
    """Runs in another process, which alone can stop it."""

    __slots__ = ()

    def start(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeyServer(_TestServer):
    server: Valkey

    @property
    def url(self) -> str:
        return self.server.url()


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaServer(_TestServer):
    server: Kafka

    @property
    def bootstrap_servers(self) -> str:
        return self.server.bootstrap_servers


def postgres(folder: Path) -> PostgresServer:
    server = _cluster(folder, ports.choose(()))
    return PostgresServer(server=server, running=RunningServer(server=server, log=folder / "log"))


def lent_postgres() -> PostgresServer | None:
    """What the parent of this process lends, if it does."""
    if LENT_POSTGRES not in os.environ:
        return None
    port, _, place = os.environ[LENT_POSTGRES].partition(":")
    folder = Path(place)
    server = _cluster(folder, int(port))
    return LentPostgres(server=server, running=RunningServer(server=server, log=folder / "log"))


def _cluster(folder: Path, port: int) -> Postgres:
    """Without fsync: the data of a test need not survive the machine, only the process."""
    return Postgres(data=folder / "data", port=port, password_file=folder / "password", durable=False)


def valkey(folder: Path) -> ValkeyServer:
    server = Valkey(data=folder / "data", port=ports.choose(()))
    return ValkeyServer(server=server, running=RunningServer(server=server, log=folder / "log"))


def kafka(folder: Path) -> KafkaServer:
    port = ports.choose(())
    server = Kafka(data=folder / "data", port=port, controller_port=ports.choose((), taken=(port,)))
    return KafkaServer(server=server, running=RunningServer(server=server, log=folder / "log"))
