"""Later attempts on real servers: several processes, several topics, and a database that goes away."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from ordersys.bootstrap.platform import PlatformContainer
from ordersys.domain.shared.event import Event
from ordersys.messaging.inbox import Message
from tests.integration.retry_world import World, authorized, issued, settings_of, until, world_of
from tests.servers import KafkaServer, PostgresServer
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

PROCESSED = "SELECT order_id, event_id, type FROM inbox_events ORDER BY processed_at, event_id"


@pytest.fixture
async def world(database_url: str, kafka_server: KafkaServer) -> AsyncIterator[World]:
    kafka_server.start()
    settings = settings_of(database_url, kafka_server.bootstrap_servers, partitions=6)
    with capture_logs():
        async with world_of(settings) as made:
            yield made


async def _settled(world: World, count: int) -> bool:
    handled = await world.scalar("SELECT count(*) FROM inbox_events")
    return bool(handled == count and not await world.scalar("SELECT count(*) FROM inbox_retries"))


def another_process(world: World) -> World:
    """The same service with connections of its own."""
    platform = PlatformContainer(settings=world.settings, name="other")
    return World(settings=world.settings, platform=platform, engine=world.engine, publisher=world.publisher)


async def test_each_orders_events_stay_in_their_order_with_two_processes_and_failures(world: World) -> None:
    orders = await world.orders(30)
    failures: Counter[UUID] = Counter()

    def fail(message: Message) -> None:
        """Every third event fails until it has failed three times, alone or in company."""
        if message.event_id.int % 3 == 0 and failures[message.event_id] < 3:
            failures[message.event_id] += 1
            raise ValueError("not now")

    other = another_process(world)
    world.trouble = other.trouble = fail
    sent: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    async with world.consuming(), other.consuming():
        for _ in range(4):
            events: list[tuple[UUID, Event]] = [pair for one in orders for pair in (authorized(one), issued(one))]
            ids = await world.send(*events)
            for event_id, (order, event) in zip(ids, events, strict=True):
                sent[order, event.STREAM].append(event_id)
        await until(lambda: _settled(world, 240), within=60)
    await other.platform.engine().dispose()

    handled: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for row in await world.rows(PROCESSED):
        stream = "payments" if "Payment" in row.type else "tickets"
        handled[row.order_id, stream].append(row.event_id)
    assert handled == sent
    assert sum(failures.values()) > 100
    assert await world.scalar("SELECT count(*) FROM dead_letters") == 0
    assert await world.scalar("SELECT count(*) FROM orders WHERE status = 'COMPLETED'") == 30


async def test_others_flow_while_an_order_waits(world: World) -> None:
    bad, good = await world.orders(2)
    world.poison = {bad}
    async with world.consuming():
        first, second = await world.send(authorized(bad), issued(bad))
        await world.send(issued(good))
        await until(lambda: _status(world, good, "COMPLETED"))
        await until(lambda: _status(world, bad, "CREATED"))
        world.poison = set()
        await until(lambda: _status(world, bad, "COMPLETED"))

    processed = [row.event_id for row in await world.rows(PROCESSED) if row.order_id == bad]
    assert set(processed) == {first, second}


async def _status(world: World, order: UUID, status: str) -> bool:
    return bool(await world.scalar("SELECT status = :status FROM orders WHERE id = :id", id=order, status=status))


async def test_an_absent_database_spends_no_attempt(world: World, postgres_server: PostgresServer) -> None:
    (bad,) = await world.orders(1)
    world.poison = {bad}
    async with world.consuming():
        await world.send(issued(bad))
        await eventually(lambda: len(world.calls) >= 2, within=20)
        await until(lambda: _put_off(world), within=20)
        postgres_server.kill()
        calls = len(world.calls)
        await eventually(lambda: "retries" in world.losses.loops)
        # Not in a thread of the loop's: a server ends with the thread that started it.
        postgres_server.start()
        await until(lambda: _letters(world), within=20)

    assert calls <= 5
    assert len(world.calls) == 5
    assert await world.scalar("SELECT attempts FROM dead_letters") == 5


async def _put_off(world: World) -> bool:
    """The next attempt, by some seconds, when none is under way: one that the database leaves is made once more."""
    later = "UPDATE inbox_retries SET next_attempt_at = now() + interval '3 seconds' WHERE error LIKE 'ValueError%'"
    async with world.engine.begin() as connection:
        return (await connection.execute(text(later))).rowcount == 1


async def _letters(world: World) -> int:
    return int(await world.scalar("SELECT count(*) FROM dead_letters"))


async def test_bytes_that_nobody_can_read_are_dead_letters_at_once_and_the_next_goes_on(world: World) -> None:
    (good,) = await world.orders(1)
    async with world.consuming(), world.relaying():
        await world.send(issued(good), ce_id=b"no uuid")
        await world.send(issued(good))
        await until(lambda: _status(world, good, "COMPLETED"))
        await until(lambda: _letters(world))
        (record,) = await world.read("dlq", 1)

    assert record.headers["dlq_error"] == b"Unreadable: header ce_id is not a UUID"
    assert record.headers["ce_id"] == b"no uuid"


async def test_a_redelivery_makes_no_second_effect(world: World) -> None:
    (bad,) = await world.orders(1)
    world.poison = {bad}
    async with world.consuming():
        (event_id,) = await world.send(issued(bad))
        again = {"ce_id": str(event_id).encode()}
        await world.send(issued(bad), issued(bad), **again)
        await until(lambda: _letters(world), within=20)
        calls = len(world.calls)
        await world.send(issued(bad), **again)
        (good,) = await world.orders(1)
        await world.send(issued(good))
        await until(lambda: _status(world, good, "COMPLETED"))

    assert len(world.calls) == calls + 1
    assert await _letters(world) == 1
    assert await world.scalar("SELECT count(*) FROM inbox_events") == 1
