"""Messages that end the process which handles them, on real servers, with a process that is always started again."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from tests.integration.retry_world import World, environment, issued, settings_of, until, world_of
from tests.servers import KafkaServer

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def world(database_url: str, kafka_server: KafkaServer) -> AsyncIterator[World]:
    kafka_server.start()
    async with world_of(settings_of(database_url, kafka_server.bootstrap_servers)) as made:
        yield made


@dataclass(slots=True)
class Service:
    """Started again whenever it ends. `handled` are the orders of the calls of its handler."""

    deaths: int = 0
    handled: list[UUID] = field(default_factory=list)


@asynccontextmanager
async def always_running(world: World, *killers: UUID, batch_size: int = 500) -> AsyncIterator[Service]:
    service = Service()
    stopping = asyncio.Event()
    keeping = asyncio.create_task(_keep(world, service, stopping, [str(one) for one in killers], str(batch_size)))
    try:
        yield service
    finally:
        stopping.set()
        await keeping


async def _keep(world: World, service: Service, stopping: asyncio.Event, killers: list[str], batch_size: str) -> None:
    environ = {**os.environ, **environment(world.settings), "ORDERSYS__KAFKA__SESSION_TIMEOUT_SECONDS": "6"}
    # At work for long after 5 messages. A static member has its partitions back at once.
    environ |= {"ORDERSYS__KAFKA__STATIC_MEMBERSHIP": "true", "ORDERSYS__KAFKA__BATCH_SIZE": batch_size}
    command = [sys.executable, "-m", "tests.integration.order_service", *killers]
    while not stopping.is_set():
        process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
        reading = asyncio.create_task(_read(process, service))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set() and process.returncode is None:
            process.terminate()
        await reading
        stopped.cancel()
        service.deaths += await process.wait() == 9


async def _read(process: asyncio.subprocess.Process, service: Service) -> None:
    assert process.stdout
    async for line in process.stdout:
        if line.startswith(b"call "):
            service.handled.append(UUID(line.decode().split()[1]))


async def _letters(world: World) -> list[tuple[UUID, int, str]]:
    rows = await world.rows("SELECT order_id, attempts, error FROM dead_letters")
    return [(row.order_id, row.attempts, row.error) for row in rows]


async def test_a_message_that_ends_the_process_is_a_dead_letter_after_five_attempts(world: World) -> None:
    orders = await world.orders(20)
    killer = orders[10]
    await world.send(*map(issued, orders))
    async with always_running(world, killer) as service:
        letters = await until(lambda: _letters(world), within=45)
        await until(lambda: _completed(world, orders, 19), within=30)
        more = await world.orders(3)
        await world.send(*map(issued, more))
        await until(lambda: _completed(world, more, 3), within=30)

    assert [(order, attempts) for order, attempts, _ in letters] == [(killer, 5)]
    assert "ended during it" in letters[0][2]
    assert service.deaths == service.handled.count(killer) == 5
    assert await world.scalar("SELECT count(*) FROM inbox_retries") == 0
    assert await world.scalar("SELECT count(*) FROM inbox_events") == 22


async def test_a_killer_that_comes_to_a_process_long_at_work_is_caught_too(world: World) -> None:
    """The first death is not counted: nothing is counted ahead in the steady state. What comes after it is."""
    before = await world.orders(20)
    (killer, innocent) = await world.orders(2)
    async with always_running(world, killer, batch_size=5) as service:
        await world.send(*map(issued, before))
        await until(lambda: _completed(world, before, 20), within=60)
        await world.send(issued(killer), issued(innocent))
        letters = await until(lambda: _letters(world), within=45)
        await until(lambda: _completed(world, [innocent], 1), within=30)

    assert [(order, attempts) for order, attempts, _ in letters] == [(killer, 5)]
    assert service.deaths == 6


async def _completed(world: World, orders: list[UUID], count: int) -> bool:
    done = "SELECT count(*) FROM orders WHERE id = ANY(:ids) AND status = 'COMPLETED'"
    return bool(await world.scalar(done, ids=orders) == count)
