"""Who watches an order is told of every commit that changes it, and of nothing else: each use case, on both worlds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.unit_of_work import PostgresAutocommit, PostgresUnitOfWork
from ordersys.messaging.envelope import Acked
from ordersys.messaging.outbox import FailedPublish, PublishedRow
from tests.contract.world import undone
from tests.fakes import placing
from tests.fakes.making import order, order_id, outgoing


@dataclass(slots=True, kw_only=True)
class RecordingNotifier:
    """Watchers that write down what they are told, one entry per time."""

    times: list[set[UUID]] = field(default_factory=list)

    def notify(self, order_ids: Iterable[UUID]) -> None:
        self.times.append(set(order_ids))


@pytest.fixture
def told() -> RecordingNotifier:
    return RecordingNotifier()


@pytest.mark.parametrize("kind", [PostgresUnitOfWork, PostgresAutocommit])
async def test_watchers_are_told_once_behind_the_commit(
    engine: AsyncEngine, told: RecordingNotifier, kind: type[PostgresUnitOfWork | PostgresAutocommit]
) -> None:
    async with kind(engine=engine, notifier=told).begin() as transaction:
        transaction.changed([order_id(1)])
        transaction.changed(order_id(number) for number in (1, 2))
        assert told.times == []

    assert told.times == [{order_id(1), order_id(2)}]


async def test_nobody_is_told_of_what_was_taken_back(engine: AsyncEngine, told: RecordingNotifier) -> None:
    async with undone(PostgresUnitOfWork(engine=engine, notifier=told)) as transaction:
        transaction.changed([order_id(1)])

    assert told.times == []


async def test_nobody_is_told_of_nothing(engine: AsyncEngine, told: RecordingNotifier) -> None:
    async with PostgresUnitOfWork(engine=engine, notifier=told).begin() as transaction:
        transaction.changed([])

    assert told.times == []


async def test_what_the_relay_writes_down_is_told(engine: AsyncEngine, told: RecordingNotifier) -> None:
    async with PostgresUnitOfWork(engine=engine).begin() as transaction:
        await placing.add(transaction, [order(1), order(2)])
        await transaction.outbox.append([outgoing(1, order=1), outgoing(2, order=2)])
    queue = PostgresOutboxQueue(engine=engine, notifier=told)
    one, two = await queue.due(range(64), 10)
    await queue.archive([PublishedRow(one, "orders", Acked(partition=0, offset=1))], {one.shard: 0})
    await queue.defer([FailedPublish(row=two, error="dropped", delay=1)])

    assert told.times == [{order_id(1)}, {order_id(2)}]


async def test_nobody_is_told_when_the_database_is_away(told: RecordingNotifier) -> None:
    nowhere = postgres.create(
        PostgresSettings(url=Secret("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")), name="contract"
    )
    with pytest.raises(Unavailable):
        await PostgresOutboxQueue(engine=nowhere, notifier=told).defer([])
    await nowhere.dispose()

    assert told.times == []
