"""The real servers, once per test session (per worker with xdist), and what one test gets of them for itself."""

import asyncio
import itertools
import os
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from ordersys.config import KafkaSettings, Settings
from ordersys.infrastructure.kafka import topics
from ordersys.infrastructure.postgres import migrate
from ordersys.workshop.stack.servers.errors import EmbeddedError
from tests import servers

TEMPLATE = "ordersys_template"
S = TypeVar("S", servers.PostgresServer, servers.ValkeyServer, servers.KafkaServer)
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.PostgresServer]:
    yield from _served(servers.lent_postgres() or servers.postgres(tmp_path_factory.mktemp("postgres")))


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.ValkeyServer]:
    server = servers.valkey(tmp_path_factory.mktemp("valkey"))
    yield from _served(server)


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.KafkaServer]:
    server = servers.kafka(tmp_path_factory.mktemp("kafka"))
    yield from _served(server)


@pytest.fixture(scope="session")
def database_template(postgres_server: servers.PostgresServer) -> str:
    if isinstance(postgres_server, servers.LentPostgres):
        return TEMPLATE
    _apart(_execute(postgres_server.admin_url, f"CREATE DATABASE {TEMPLATE} OWNER ordersys"))
    _apart(migrate.upgrade(postgres_server.url(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def database_url(postgres_server: servers.PostgresServer, database_template: str) -> Iterator[str]:
    """A fresh migrated database, as the settings name it: postgresql+asyncpg://…"""
    postgres_server.start()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    copy = f"CREATE DATABASE {name} TEMPLATE {database_template} OWNER ordersys"
    _apart(_execute(postgres_server.admin_url, copy))
    yield postgres_server.url(name)
    postgres_server.start()
    _apart(_execute(postgres_server.admin_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def redis_url(valkey_server: servers.ValkeyServer) -> str:
    """The shared Valkey: a test takes its own key names."""
    valkey_server.start()
    return valkey_server.url


@pytest.fixture
def topic_prefix(kafka_server: servers.KafkaServer) -> str:
    """A prefix nobody else has, its four topics made."""
    kafka_server.start()
    prefix = f"t{uuid.uuid4().hex[:6]}."
    kafka = KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, topic_prefix=prefix)
    _apart(topics.ensure(Settings(kafka=kafka)))
    return prefix


def _served(server: S) -> Iterator[S]:
    try:
        server.start()
    except EmbeddedError as error:
        pytest.fail(str(error))
    try:
        yield server
    finally:
        server.stop()


async def _execute(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


def _apart(work: Coroutine[object, object, None]) -> None:
    """In a loop and a thread of its own: the test's loop is not ours to touch."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
