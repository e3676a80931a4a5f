"""The proxy against a real PostgreSQL: what a cut connection leaves behind."""

import struct
from collections.abc import AsyncIterator

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
import pytest
from sqlalchemy.engine import make_url

from tests.chaos.proxy import HOST, Cut, Frame, Frames, Proxy, application
from tests.waiting import eventually

BROKEN = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(upstream=lambda: make_url(database_url).port or 0)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def straight(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE told (what text)")
    yield connection
    await connection.close()


async def through(proxy: Proxy, database_url: str) -> asyncpg.Connection:
    url = make_url(database_url)
    return await asyncpg.connect(
        host=HOST,
        port=proxy.port,
        user=url.username,
        password=url.password,
        database=url.database,
        server_settings={"application_name": "somebody"},
    )


async def write(connection: asyncpg.Connection, what: str) -> None:
    async with connection.transaction():
        await connection.execute("INSERT INTO told VALUES ($1)", what)


async def told(straight: asyncpg.Connection) -> list[str]:
    return [row["what"] for row in await straight.fetch("SELECT what FROM told")]


async def test_unarmed_it_is_not_there(proxy: Proxy, database_url: str, straight: asyncpg.Connection) -> None:
    connection = await through(proxy, database_url)
    await write(connection, "x" * 3_000_000)
    assert [len(what) for what in await told(connection)] == [3_000_000]
    await connection.close()

    assert proxy.cuts == []
    await eventually(lambda: not proxy.clients)


async def test_cut_before_its_commit_nothing_happened(
    proxy: Proxy, database_url: str, straight: asyncpg.Connection
) -> None:
    connection = await through(proxy, database_url)
    proxy.arm("before", 1)

    with pytest.raises(BROKEN):
        await write(connection, "lost")

    assert proxy.cuts == [Cut(side="before", who="somebody")]
    assert await told(straight) == []


async def test_cut_after_its_commit_all_of_it_happened_and_nobody_was_told(
    proxy: Proxy, database_url: str, straight: asyncpg.Connection
) -> None:
    connection = await through(proxy, database_url)
    proxy.arm("after", 1)

    with pytest.raises(BROKEN):
        await write(connection, "kept")

    assert proxy.cuts == [Cut(side="after", who="somebody")]
    assert await told(straight) == ["kept"]


async def test_only_as_many_are_cut_as_it_was_armed_for(
    proxy: Proxy, database_url: str, straight: asyncpg.Connection
) -> None:
    proxy.arm("after", 2)
    for what in ("a", "b"):
        with pytest.raises(BROKEN):
            await write(await through(proxy, database_url), what)
    survivor = await through(proxy, database_url)
    await write(survivor, "c")
    await survivor.close()

    assert [cut.side for cut in proxy.cuts] == ["after", "after"]
    assert await told(straight) == ["a", "b", "c"]


async def test_a_commit_that_the_server_refuses_is_no_cut_after_commit(
    proxy: Proxy, database_url: str, straight: asyncpg.Connection
) -> None:
    await straight.execute("CREATE TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    connection = await through(proxy, database_url)
    proxy.arm("after", 1)

    with pytest.raises(asyncpg.UniqueViolationError):
        async with connection.transaction():
            await connection.execute("INSERT INTO once VALUES (1), (1)")

    assert proxy.cuts == []
    await connection.close()


async def test_without_a_server_the_client_is_told_at_once() -> None:
    proxy = Proxy(upstream=lambda: 1)
    await proxy.start()
    try:
        with pytest.raises(BROKEN):
            await asyncpg.connect(host=HOST, port=proxy.port, user="u", database="d", timeout=5)
    finally:
        await proxy.stop()


def packet(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">i", len(body) + 4) + body


STARTUP = packet(b"", struct.pack(">i", 196_608) + b"user\0ann\0application_name\0api\0\0")
SSL = packet(b"", struct.pack(">i", 80_877_103))


def test_messages_are_found_however_they_are_cut_up() -> None:
    stream = SSL + STARTUP + packet(b"Q", b"BEGIN;\0") + packet(b"Q", b"COMMIT;\0")
    frames = Frames()
    found: list[Frame] = []
    for byte in stream:
        found += frames.feed(bytes([byte]))

    assert b"".join(frame.data for frame in found) == stream
    assert [frame.is_commit for frame in found] == [False, False, False, True]
    assert application(found[1].data) == "api"


@pytest.mark.parametrize("text", [b"SELECT 'COMMIT'\0", b"ROLLBACK;\0", b"COM"])
def test_what_only_looks_like_a_commit_is_none(text: bytes) -> None:
    (_, frame) = Frames().feed(STARTUP + packet(b"Q", text))

    assert not frame.is_commit
