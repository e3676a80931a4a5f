"""Each server from its package: it starts, stops cleanly, and finds its data again, also after kill -9."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from ordersys.workshop.stack.servers import ports, privileges, probes, processes
from ordersys.workshop.stack.servers.child import RunningServer
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.postgres import Postgres
from tests import servers
from tests.servers import KafkaServer, PostgresServer, ValkeyServer
from tests.waiting import eventually_blocking

Config = dict[str, str | int | float | bool]
ENDINGS = ["stop", "kill"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="shows what root does")


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    server = servers.postgres(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = servers.valkey(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    server = servers.kafka(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Not under pytest's own folders, which only their owner may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        if privileges.first_closed(Path(folder)):
            pytest.skip("the temporary folder of this machine is closed to others")
        yield Path(folder)


async def sql(url: str, statement: str) -> object:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            result = await connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        await engine.dispose()


@pytest.mark.parametrize("ending", ENDINGS)
async def test_postgres_finds_its_data_again(postgres: PostgresServer, ending: str) -> None:
    postgres.start()
    await sql(postgres.url(), "CREATE TABLE kept AS SELECT 42 AS value")
    getattr(postgres, ending)()
    assert not postgres.server.ready()
    postgres.start()
    assert await sql(postgres.url(), "SELECT value FROM kept") == 42


async def test_postgres_is_version_18_durable_and_asks_for_the_password(tmp_path: Path) -> None:
    server = Postgres(data=tmp_path / "data", port=ports.choose(()), password_file=tmp_path / "password")
    running = RunningServer(server=server, log=tmp_path / "log")
    try:
        running.start()
        url = server.url(scheme="postgresql+asyncpg")
        for setting, value in {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}.items():
            assert await sql(url, f"SHOW {setting}") == value
        assert str(await sql(url, "SHOW server_version")).startswith("18.")
        assert not await sql(url, "SELECT usesuper FROM pg_user WHERE usename = current_user")
        with pytest.raises(Exception, match="password authentication failed"):
            await sql(url.replace(server.password, "guessed"), "SELECT 1")
    finally:
        running.stop()


async def test_the_password_is_its_owners_alone_and_a_lost_one_is_replaced(postgres: PostgresServer) -> None:
    postgres.start()
    secret = postgres.server.password_file
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = postgres.server.password
    postgres.stop()
    secret.unlink()
    postgres.start()
    assert postgres.server.password != before
    assert await sql(postgres.url(), "SELECT 1") == 1


def test_a_lock_file_that_names_a_stranger_is_no_obstacle(postgres: PostgresServer) -> None:
    postgres.start()
    postgres.kill()
    lock = postgres.server.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        postgres.start()
        assert postgres.server.ready()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_dead_postmaster_that_nobody_collects_is_no_obstacle(postgres: PostgresServer) -> None:
    postgres.start()
    os.kill(postgres.pid, signal.SIGKILL)
    second = RunningServer(server=postgres.server, log=postgres.running.log)
    eventually_blocking(lambda: processes.identity(postgres.pid) is None)
    assert processes.number_taken(postgres.pid)
    try:
        second.start()
        assert postgres.server.ready()
    finally:
        second.kill()


def test_probing_leaves_no_trace_in_the_log(postgres: PostgresServer) -> None:
    postgres.start()
    before = postgres.running.log.read_bytes()
    assert all(postgres.server.ready() and postgres.server.alive() for _ in range(20))
    postgres.stop()
    assert b"could not receive" not in postgres.running.log.read_bytes().removeprefix(before)


def test_a_postgres_that_still_runs_on_the_data_is_ended_first(postgres: PostgresServer) -> None:
    postgres.start()
    former, who = postgres.pid, processes.identity(postgres.pid)
    second = RunningServer(server=postgres.server, log=postgres.running.log)
    try:
        second.start()
        assert processes.identity(former) is None
        assert second.pid != former
        assert who is not None
    finally:
        second.kill()


def test_data_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("15\n")
    server = Postgres(data=data, port=ports.choose(()), password_file=tmp_path / "password")
    with pytest.raises(EmbeddedError, match="holds data of PostgreSQL 15"):
        server.prepare()
    assert (data / "PG_VERSION").read_text() == "15\n"


def test_an_interrupted_creation_is_begun_again(postgres: PostgresServer) -> None:
    draft = postgres.server.data.with_name("data.new")
    draft.mkdir()
    (draft / "half").write_text("written")
    postgres.start()
    assert postgres.server.ready()
    assert not draft.exists()


@needs_root
async def test_root_without_namespaces_runs_postgres_as_nobody(open_folder: Path) -> None:
    binaries = servers.postgres(open_folder).server._binaries.postgres
    if privileges.first_closed(binaries):
        pytest.skip(f"nobody cannot reach {binaries}")
    server = replace(servers.postgres(open_folder).server, namespaces=False)
    running = RunningServer(server=server, log=open_folder / "log")
    try:
        running.start()
        assert owner(Path(f"/proc/{running.pid}")) == owner(server.data) != "root"
        url = server.url(scheme="postgresql+asyncpg")
        await sql(url, "CREATE TABLE kept AS SELECT 42 AS value")
        running.stop()
        # The same data under the other way of running, and back.
        for namespaces in (None, False):
            again = RunningServer(server=replace(server, namespaces=namespaces), log=open_folder / "log")
            again.start()
            assert await sql(url, "SELECT value FROM kept") == 42
            again.stop()
    finally:
        running.kill()


@needs_root
def test_an_ordinary_user_needs_no_privileges(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    ordinary = [unshare or "", "--user", "--map-user=1000", "--map-group=1000"]
    if not unshare or subprocess.run([*ordinary, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    program = (
        "import os, pathlib, sys; from tests import servers\n"
        "server = servers.postgres(pathlib.Path(sys.argv[1])); server.start(); server.stop(); print(os.geteuid())"
    )
    done = subprocess.run(
        [*ordinary, sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1000\n", "")


@pytest.mark.parametrize("ending", ENDINGS)
def test_valkey_finds_its_data_again(valkey: ValkeyServer, ending: str) -> None:
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.set("cart", "two seats")
        # Flushed every second; this waits until it is.
        client.waitaof(1, 0, 5000)
    getattr(valkey, ending)()
    assert not valkey.server.ready()
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.get("cart") == b"two seats"


@pytest.mark.parametrize("ending", ENDINGS)
def test_kafka_finds_its_topics_and_offsets_again(kafka: KafkaServer, ending: str) -> None:
    kafka.start()
    broker: Config = {"bootstrap.servers": kafka.bootstrap_servers}
    admin = AdminClient(broker)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])["kept"].result(10)
    produce(broker, [b"one", b"two"])
    assert read_one(broker) == b"one"
    cluster = (kafka.server.data / "meta.properties").read_text()
    getattr(kafka, ending)()
    assert not kafka.server.ready()
    kafka.start()
    assert read_one(broker) == b"two"
    assert (kafka.server.data / "meta.properties").read_text() == cluster


def test_kafka_comes_back_soon_after_kill_9(kafka: KafkaServer) -> None:
    fresh = seconds(kafka.start)
    kafka.kill()
    # With the broker's usual session of nine seconds it would not be let in before.
    assert seconds(kafka.start) < fresh + 6


def test_kafka_stops_cleanly_on_sigterm(kafka: KafkaServer) -> None:
    kafka.start()
    kafka.stop()
    assert kafka.running.process is not None
    assert kafka.running.process.returncode == 128 + signal.SIGTERM
    assert (kafka.server.data / ".kafka_cleanshutdown").exists()


def test_a_port_that_somebody_else_has_is_named(valkey: ValkeyServer, tmp_path: Path) -> None:
    valkey.start()
    second = RunningServer(server=replace(valkey.server, data=tmp_path / "second"), log=tmp_path / "second.log")
    with pytest.raises(EmbeddedError, match=f"port {valkey.server.port} is taken"):
        second.start()


def test_a_server_that_does_not_come_up_shows_its_last_lines(postgres: PostgresServer) -> None:
    postgres.start()
    postgres.stop()
    (postgres.server.data / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        postgres.running.start(within=0.3)


def test_a_taken_port_is_replaced_and_a_free_one_is_kept(valkey: ValkeyServer) -> None:
    port = valkey.server.port
    assert ports.choose([port]) == port
    valkey.start()
    replaced = ports.choose([port])
    assert replaced != port
    assert ports.is_free(replaced)
    assert ports.choose([replaced], taken=[replaced]) != replaced


def test_a_silent_or_strange_server_counts_as_not_ready(valkey: ValkeyServer) -> None:
    valkey.start()
    assert probes.valkey_answers(valkey.server.port)
    assert not probes.kafka_answers(valkey.server.port, timeout=0.2)
    assert not probes.postgres_accepts(valkey.server.port, "postgres", timeout=0.2)
    assert not probes.valkey_answers(ports.choose(()))


def seconds(call: Callable[[], None]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def owner(path: Path) -> str:
    return path.owner()


def produce(broker: Config, values: list[bytes]) -> None:
    producer = Producer(broker | {"acks": "all"})
    for value in values:
        producer.produce("kept", value, partition=0)
    assert producer.flush(10) == 0


def read_one(broker: Config) -> bytes | None:
    """The next message of a group that remembers its place."""
    consumer = Consumer(broker | {"group.id": "reader", "auto.offset.reset": "earliest", "enable.auto.commit": False})
    try:
        place = eventually_blocking(lambda: place_of(consumer), within=10)
        assert place is not None
        consumer.assign([place])
        message = consumer.poll(10)
        assert message is not None
        assert message.error() is None
        consumer.commit(message=message, asynchronous=False)
        return message.value()
    finally:
        consumer.close()


def place_of(consumer: Consumer) -> TopicPartition | None:
    """None while the group's coordinator is still loading what it knows."""
    try:
        committed = consumer.committed([TopicPartition("kept", 0)], timeout=5)[0]
    except KafkaException:
        return None
    return TopicPartition("kept", 0, max(committed.offset, 0))
