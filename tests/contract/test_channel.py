"""The Channel port: one suite for the fake and for Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from ordersys.config import RedisSettings, Secret
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.redis.channel import RedisChannel
from ordersys.messaging.notifications import Channel
from tests.fakes.notifications import FakeChannel, FakeServer
from tests.servers import ValkeyServer

MEMBER = Callable[[], Channel]
SECONDS = 2.0


@pytest.fixture(params=["fake", "real"])
async def member(request: pytest.FixtureRequest) -> AsyncIterator[MEMBER]:
    """Makes another member of one channel that nobody else has."""
    server, name = FakeServer(), f"test:{uuid4()}"
    url = request.getfixturevalue("redis_url") if request.param == "real" else ""
    async with AsyncExitStack() as members:

        def made() -> Channel:
            channel: Channel = (
                RedisChannel(RedisSettings(url=Secret(url)), channel=name, name="contract")
                if url
                else FakeChannel(server=server)
            )
            members.push_async_callback(channel.close)
            return channel

        yield made


async def test_what_is_published_is_heard_by_all_who_have_joined(member: MEMBER) -> None:
    listening = [member(), member()]
    for one in listening:
        await one.subscribe()

    assert await member().publish(b"one") == 2
    assert [list(await one.receive(SECONDS)) for one in listening] == [[b"one"], [b"one"]]


async def test_nothing_is_missed_from_the_join_on_and_the_order_is_kept(member: MEMBER) -> None:
    listening, telling = member(), member()
    await listening.subscribe()
    for message in (b"1", b"2", bytes(range(256))):
        await telling.publish(message)

    heard: list[bytes] = []
    while len(heard) < 3:
        found = await listening.receive(SECONDS)
        assert found
        heard += found
    assert heard == [b"1", b"2", bytes(range(256))]


async def test_who_hears_waits_for_the_first_message(member: MEMBER) -> None:
    listening = member()
    await listening.subscribe()
    hearing = asyncio.create_task(_heard(listening))
    await asyncio.sleep(0)
    await member().publish(b"late")

    assert await hearing == [b"late"]


async def _heard(channel: Channel) -> list[bytes]:
    return list(await channel.receive(SECONDS))


async def test_silence_is_an_empty_answer(member: MEMBER) -> None:
    listening = member()
    await listening.subscribe()

    assert list(await listening.receive(0.05)) == []


async def test_what_nobody_hears_is_gone(member: MEMBER) -> None:
    listening, telling = member(), member()
    assert await telling.publish(b"before") == 0
    await listening.subscribe()

    assert list(await listening.receive(0.05)) == []


async def test_who_has_left_is_told_nothing_and_may_come_back(member: MEMBER) -> None:
    listening, telling = member(), member()
    await listening.subscribe()
    await listening.subscribe()
    await listening.unsubscribe()
    await listening.unsubscribe()
    assert await telling.publish(b"meanwhile") == 0
    await listening.subscribe()
    await telling.publish(b"again")

    assert list(await listening.receive(SECONDS)) == [b"again"]


async def test_a_server_that_is_away_is_told_at_once_and_found_again(valkey_server: ValkeyServer) -> None:
    channel = RedisChannel(RedisSettings(url=Secret(valkey_server.url)), channel="test:away", name="contract")
    other = RedisChannel(RedisSettings(url=Secret(valkey_server.url)), channel="test:away", name="contract")
    await channel.subscribe()
    valkey_server.kill()
    with pytest.raises(Unavailable):
        await channel.receive(SECONDS)
    await channel.unsubscribe()
    for call in (channel.subscribe(), other.publish(b"x")):
        with pytest.raises(Unavailable):
            await call
    await channel.unsubscribe()
    valkey_server.start()
    await channel.subscribe()
    await _published(other, b"back")

    assert list(await channel.receive(SECONDS)) == [b"back"]
    for one in (channel, other):
        await one.close()


async def _published(channel: RedisChannel, message: bytes) -> None:
    """A connection of before the crash may still lie in the pool."""
    try:
        await channel.publish(message)
    except Unavailable:
        await channel.publish(message)
