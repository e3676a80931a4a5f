"""The real servers as tests use them. Each can be stopped, killed and started again on the same port with its data."""

from dataclasses import dataclass
from pathlib import Path

from ordersys.infrastructure.embedded import ports
from ordersys.infrastructure.embedded.child import RunningServer
from ordersys.infrastructure.embedded.kafka import Kafka
from ordersys.infrastructure.embedded.postgres import SUPERUSER, Postgres
from ordersys.infrastructure.embedded.valkey import Valkey


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
    """Without fsync: the data of a test need not survive the machine, only the process."""
    server = Postgres(data=folder / "data", port=ports.choose(()), password_file=folder / "password", durable=False)
    return PostgresServer(server=server, running=RunningServer(server=server, log=folder / "log"))


def valkey(folder: Path) -> ValkeyServer:
    server = Valkey(data=folder / "data", port=ports.choose(()))
    return ValkeyServer(server=server, running=RunningServer(server=server, log=folder / "log"))


def kafka(folder: Path) -> KafkaServer:
    port = ports.choose(())
    server = Kafka(data=folder / "data", port=port, controller_port=ports.choose((), taken=(port,)))
    return KafkaServer(server=server, running=RunningServer(server=server, log=folder / "log"))
