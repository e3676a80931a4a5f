"""The Inbox port: one suite for the fake and for PostgreSQL."""

import asyncio

from ordersys.domain.shared.ids import EventId
from tests.contract.world import World, undone
from tests.fakes.making import event_id, messages

NAME = "order-service"


async def claim(world: World, *numbers: int, consumer: str = NAME) -> set[EventId]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.inbox.claim(consumer, messages(*numbers))


def ids(*numbers: int) -> set[EventId]:
    return {event_id(number) for number in numbers}


async def test_events_are_new_once(world: World) -> None:
    assert await claim(world, 1, 2) == ids(1, 2)
    assert await claim(world, 2, 3) == ids(3)
    assert await claim(world, 1, 2, 3) == set()
    assert await world.count("inbox_events") == 3


async def test_each_consumer_has_its_own(world: World) -> None:
    await claim(world, 1)

    assert await claim(world, 1, consumer="payment-service") == ids(1)


async def test_an_event_of_a_rolled_back_transaction_is_new_again(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        assert await transaction.inbox.claim(NAME, messages(1)) == ids(1)

    assert await claim(world, 1) == ids(1)


async def test_an_event_twice_in_one_batch_is_new(world: World) -> None:
    assert await claim(world, 1, 1) == ids(1)


async def test_of_many_at_the_same_moment_one_handles_an_event(world: World) -> None:
    together = asyncio.Barrier(8)

    async def once() -> set[EventId]:
        await together.wait()
        return await claim(world, 1)

    found = await asyncio.gather(*(once() for _ in range(8)))

    assert sorted(map(len, found)) == [0] * 7 + [1]


async def test_whoever_comes_second_waits_for_the_outcome_of_the_first(world: World) -> None:
    async with undone(world.unit_of_work) as first:
        await first.inbox.claim(NAME, messages(1))
        second = asyncio.create_task(claim(world, 1))
        await asyncio.sleep(0)
        assert not second.done()

    assert await second == ids(1)


async def test_batches_that_overlap_in_any_order_do_not_deadlock(world: World) -> None:
    await asyncio.gather(*(claim(world, 9000 + n) for n in range(6)))  # their connections are there
    batches = [range(1, 1001), range(1000, 0, -1)] * 3

    found = await asyncio.gather(*(claim(world, *batch) for batch in batches))

    assert sum(map(len, found)) == 1000
