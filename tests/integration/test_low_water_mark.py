"""No row is passed over for the floor, whenever it commits: here without a single sweep, which would hide it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.low_water_mark import LowWaterMark
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.shard_leases import PostgresShardLeases
from ordersys.infrastructure.postgres.unit_of_work import PostgresTransaction, PostgresUnitOfWork
from ordersys.messaging.envelope import Acked
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import SHARDS, FailedPublish, OutboxRow, PublishedRow
from tests.fakes.making import outgoing


class Worker:
    """A relay whose time stands still. `sent`: the numbers of the events, as they went out."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.queue = PostgresOutboxQueue(engine=engine, low_water_mark=LowWaterMark(ticker=lambda: 0.0))
        self.leases = PostgresShardLeases(engine=engine, owner="worker", lease_seconds=60)
        self.unit_of_work = PostgresUnitOfWork(engine=engine)
        self.sent: list[int] = []

    async def write(self, *events: tuple[int, int]) -> None:
        """(event number, order number) in one transaction."""
        async with self.unit_of_work.begin() as transaction:
            await append(transaction, *events)

    async def claim(self, limit: int = 100) -> Sequence[OutboxRow]:
        return first_of_each(await self.queue.due(range(SHARDS), limit), lambda row: row.order_id)

    async def relay(self, limit: int = 100) -> None:
        rows = await self.claim(limit)
        self.sent += [row.event_id.int & 0xFFFF for row in rows]
        sent = [PublishedRow(row=row, topic="t", ack=Acked(partition=0, offset=row.id)) for row in rows]
        await self.queue.archive(sent, await self.leases.balance(returning=False))

    async def relay_much(self, number: int) -> None:
        """Events of other orders, until the floor would long have risen."""
        for n in range(number, number + 5):
            await self.write((n, n))
            await self.relay()


async def append(transaction: PostgresTransaction, *events: tuple[int, int]) -> None:
    await transaction.outbox.append([outgoing(number, order=order) for number, order in events])


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Worker]:
    made = postgres.create(PostgresSettings(url=Secret(database_url), pool_size=8), name="low_water_mark")
    yield Worker(made)
    await made.dispose()


async def low_water_mark(worker: Worker) -> int:
    return worker.queue.low_water_mark.below(range(SHARDS))


async def test_the_floor_rises_with_what_is_published(worker: Worker) -> None:
    await worker.relay_much(10)
    low = await low_water_mark(worker)
    await worker.relay_much(20)

    assert 0 < low < await low_water_mark(worker)


async def test_the_lower_id_that_commits_last_is_published(worker: Worker) -> None:
    await worker.relay_much(10)
    async with worker.unit_of_work.begin() as late, AsyncExitStack() as soon:
        await append(late, (1, 1))
        early = await soon.enter_async_context(worker.unit_of_work.begin())
        await append(early, (2, 2))
        await soon.aclose()
        await worker.relay_much(20)
        assert 2 in worker.sent
        assert 1 not in worker.sent

    await worker.relay()

    assert 1 in worker.sent


async def test_the_next_event_of_an_order_does_not_pass_the_one_that_commits_late(worker: Worker) -> None:
    """Both are there when the pass comes, the first below all that was seen so far."""
    await worker.relay_much(10)
    async with worker.unit_of_work.begin() as late:
        await append(late, (1, 1))
        await worker.relay_much(20)
    await worker.write((2, 1))

    await worker.relay()
    await worker.relay()

    assert [number for number in worker.sent if number < 10] == [1, 2]


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_a_backlog_goes_out_whole_and_in_order_while_others_commit_late(worker: Worker, limit: int) -> None:
    for n in range(30):
        await worker.write((n, n % 7))
    async with AsyncExitStack() as open_ones:
        for n in range(100, 110):
            transaction = await open_ones.enter_async_context(worker.unit_of_work.begin()) if n % 3 == 0 else None
            await (append(transaction, (n, n)) if transaction else worker.write((n, n)))
            await worker.relay(limit)
    while await worker.claim():
        await worker.relay(limit)

    assert sorted(worker.sent) == [*range(30), *range(100, 110)]
    assert all(worker.sent.index(n) < worker.sent.index(n + 7) for n in range(23))


async def test_a_failed_event_and_the_later_ones_of_its_order_are_below_the_floor_and_go_out(worker: Worker) -> None:
    await worker.write((1, 1), (2, 1))
    (row,) = await worker.claim()
    await worker.queue.defer([FailedPublish(row=row, error="no", delay=3600)])
    await worker.relay_much(10)
    await worker.queue.defer([FailedPublish(row=row, error="no", delay=0)])
    await worker.write((3, 1))

    for _ in range(3):
        await worker.relay()

    assert [number for number in worker.sent if number < 10] == [1, 2, 3]


async def test_an_event_that_was_unparked_goes_out_with_the_later_ones_behind_it(worker: Worker) -> None:
    await worker.write((1, 1), (2, 1))
    (row,) = await worker.claim()
    await worker.queue.defer([FailedPublish(row=row, error="no", delay=None)])
    await worker.relay_much(10)
    assert await low_water_mark(worker) > row.id
    await worker.queue.unpark(row.id)
    await worker.write((3, 1))

    for _ in range(3):
        await worker.relay()

    assert [number for number in worker.sent if number < 10] == [1, 2, 3]
