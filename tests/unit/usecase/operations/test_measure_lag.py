from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from ordersys.domain.shared.errors import Unavailable
from ordersys.entrypoint.http import ops_lag
from ordersys.entrypoint.http.ops_lag import LagCache
from ordersys.usecase.operations.measure_lag import MeasureLag
from ordersys.usecase.operations.ports import (
    Backlog,
    KeptMessages,
    OpenDeadLetters,
    OutboxBacklog,
    PartitionLag,
    Totals,
)
from tests.fakes.clock import NOON, FakeClock

BEHIND = PartitionLag(consumer="order-service", topic="ordersys.orders", partition=2, lag=7)
STANDINGS = Backlog(
    outbox=OutboxBacklog(pending=3, oldest_pending_seconds=1.5, parked=1),
    retries=[KeptMessages(consumer="ticket-service", waiting=2, next_at=NOON)],
    dead_letters=[OpenDeadLetters(consumer="payment-service", open=4)],
    totals=Totals(orders=10, published=30, processed=50, finished=9),
)


@dataclass(slots=True, kw_only=True)
class FakeBacklogReads:
    failure: Unavailable | None = None
    looks: int = 0

    async def backlog(self) -> Backlog:
        self.looks += 1
        if self.failure:
            raise self.failure
        return STANDINGS


@dataclass(slots=True, kw_only=True)
class Topics:
    found: Sequence[PartitionLag] = (BEHIND,)
    failure: Unavailable | None = None

    async def partitions(self) -> Sequence[PartitionLag]:
        if self.failure:
            raise self.failure
        return self.found


@dataclass(slots=True, kw_only=True)
class World:
    reads: FakeBacklogReads = field(default_factory=FakeBacklogReads)
    topics: Topics = field(default_factory=Topics)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def measure(self) -> MeasureLag:
        names = ("order-service", "payment-service", "ticket-service")
        return MeasureLag(reads=self.reads, lags=self.topics, clock=self.clock, consumers=names)


@pytest.fixture
def world() -> World:
    return World()


async def test_every_consumer_is_named_also_those_that_have_nothing(world: World) -> None:
    lag = await world.measure.execute()

    assert [(one.consumer, one.waiting) for one in lag.retries] == [
        ("order-service", 0),
        ("payment-service", 0),
        ("ticket-service", 2),
    ]
    assert [(one.consumer, one.open) for one in lag.dead_letters] == [
        ("order-service", 0),
        ("payment-service", 4),
        ("ticket-service", 0),
    ]
    assert (lag.at, lag.outbox, lag.totals) == (NOON, STANDINGS.outbox, STANDINGS.totals)
    assert (list(lag.consumers), list(lag.unknown)) == ([BEHIND], [])


async def test_without_kafka_the_rest_is_told_and_what_is_missing(world: World) -> None:
    world.topics.failure = Unavailable("kafka")
    lag = await world.measure.execute()

    assert (list(lag.consumers), list(lag.unknown)) == ([], ["kafka"])
    assert lag.outbox == STANDINGS.outbox


async def test_without_the_database_nothing_can_be_told(world: World) -> None:
    world.reads.failure = Unavailable("postgres")
    with pytest.raises(Unavailable):
        await world.measure.execute()


async def test_those_who_ask_within_a_moment_share_an_answer(world: World) -> None:
    desk = LagCache(measure=world.measure, ticker=world.clock)
    assert await desk.lag() is await desk.lag()
    world.clock.advance(ops_lag.FRESH_SECONDS)
    await desk.lag()

    assert world.reads.looks == 2
