"""The Outbox and the OutboxQueue port: one suite for the fake and for PostgreSQL."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from ordersys.messaging.envelope import Acked, Cause
from ordersys.messaging.outbox import SHARDS, FailedPublish, OutboxRow, PublishedRow, shard_of
from tests.contract.world import World, later, undone
from tests.fakes.clock import NOON
from tests.fakes.making import CAUSE, event_id, order_created, order_id, outgoing

ALL = range(SHARDS)


async def append(world: World, *events: tuple[int, int]) -> None:
    """(event number, order number) in one transaction."""
    async with world.unit_of_work.begin() as transaction:
        await transaction.outbox.append([outgoing(number, order=order) for number, order in events])


async def due(world: World, *, shards: Sequence[int] = ALL, limit: int = 100) -> Sequence[OutboxRow]:
    return await world.queue.due(list(shards), limit)


async def numbers(world: World, *, shards: Sequence[int] = ALL, limit: int = 100) -> list[int]:
    """The numbers of the events that are due."""
    return [row.event_id.int & 0xFFFF for row in await due(world, shards=shards, limit=limit)]


async def held(world: World) -> Mapping[int, int]:
    return await world.leases("worker", 60).balance(returning=True)


def sent(*rows: OutboxRow) -> list[PublishedRow]:
    return [PublishedRow(row=row, topic="test.orders", ack=Acked(partition=2, offset=row.id)) for row in rows]


def failed(row: OutboxRow, delay: float | None = 60.0) -> FailedPublish:
    return FailedPublish(row=row, error="publish.drop", delay=delay)


async def test_an_event_comes_back_whole(world: World) -> None:
    await append(world, (1, 1))

    (row,) = await due(world)

    assert (row.event_id, row.order_id, row.occurred_at) == (event_id(1), order_id(1), NOON)
    assert (row.stream, row.type, row.source) == ("orders", order_created().TYPE, "order-service")
    assert (row.cause, row.shard, row.attempts) == (CAUSE, shard_of(order_id(1)), 0)
    assert row.payload.startswith(f'{{"order_id":"{order_id(1)}","customer_id":"anna","items":[{{')


async def test_an_event_without_a_trace_comes_back_without(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await transaction.outbox.append([outgoing(1, cause=Cause(correlation_id="only"))])

    assert [row.cause for row in await due(world)] == [Cause(correlation_id="only")]


async def test_events_are_due_in_the_order_in_which_they_were_written(world: World) -> None:
    await append(world, (3, 1), (1, 2), (2, 1))
    await append(world, (5, 1), (4, 1))

    assert await numbers(world) == [3, 1, 2, 5, 4]
    assert await numbers(world, limit=2) == [3, 1]


async def test_orders_with_an_event_under_way_are_not_due(world: World) -> None:
    await append(world, (1, 1), (2, 2), (3, 1), (4, 3))
    first, second, *_ = await due(world)

    rows = await world.queue.due(list(ALL), 100, [first, second])

    assert [row.event_id for row in rows] == [event_id(4)]


async def test_what_was_under_way_and_came_to_nothing_is_due_again(world: World) -> None:
    await append(world, (1, 1), (2, 2), (3, 3))
    under_way = (await due(world))[:1]

    for _ in range(3):
        await world.queue.due(list(ALL), 100, under_way)

    assert await numbers(world) == [1, 2, 3]


async def test_only_the_shards_asked_for_are_due(world: World) -> None:
    await append(world, *((number, number) for number in range(1, 31)))
    mine = range(SHARDS // 2)

    assert await numbers(world, shards=mine) == [n for n in range(1, 31) if shard_of(order_id(n)) in mine]


async def test_an_event_of_a_rolled_back_transaction_never_was(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        await transaction.outbox.append([outgoing(1)])

    assert await numbers(world) == []


async def test_an_event_that_commits_late_is_not_passed_over(world: World) -> None:
    async with world.unit_of_work.begin() as late:
        await late.outbox.append([outgoing(1, order=1)])
        await append(world, (2, 2))
        assert await numbers(world) == [2]
        await world.queue.archive(sent(*await due(world)), await held(world))

    assert await numbers(world) == [1]


async def test_what_is_archived_is_gone_from_the_queue(world: World) -> None:
    await append(world, (1, 1), (2, 2))
    first, _ = await due(world)

    assert await world.queue.archive(sent(first), await held(world)) == 1

    assert await numbers(world) == [2]
    assert (await world.count("outbox"), await world.count("outbox_archive")) == (1, 1)


async def test_what_is_archived_twice_is_in_the_archive_once(world: World) -> None:
    await append(world, (1, 1))
    rows, tokens = await due(world), await held(world)

    moved = [await world.queue.archive(sent(*rows), tokens) for _ in range(2)]

    assert moved == [1, 0]
    assert await world.count("outbox_archive") == 1


async def test_an_earlier_owner_archives_nothing(world: World) -> None:
    await append(world, (1, 1), (2, 2))
    rows, stale = await due(world), await held(world)
    await held(world)

    assert await world.queue.archive(sent(*rows), stale) == 0

    assert await numbers(world) == [1, 2]
    assert await world.count("outbox_archive") == 0


async def test_without_a_lease_nothing_is_archived(world: World) -> None:
    await append(world, (1, 1))

    assert await world.queue.archive(sent(*await due(world)), {}) == 0


async def test_an_owner_archives_its_own_shards_only(world: World) -> None:
    await append(world, (1, 1), (2, 2))
    rows, tokens = await due(world), await held(world)
    lost = shard_of(order_id(1))
    assert lost != shard_of(order_id(2))

    assert await world.queue.archive(sent(*rows), {**tokens, lost: tokens[lost] - 1}) == 1

    assert await numbers(world) == [1]


async def test_a_failed_event_and_all_later_ones_of_its_order_wait(world: World) -> None:
    await append(world, (1, 1), (2, 2), (3, 1))
    rows = await due(world)

    await world.queue.defer([failed(rows[0])])

    assert await numbers(world) == [2]


async def test_earlier_events_of_an_order_do_not_wait_for_later_ones(world: World) -> None:
    await append(world, (1, 1), (2, 1), (3, 1))
    rows = await due(world)

    await world.queue.defer([failed(rows[1])])

    assert await numbers(world) == [1]


async def test_a_failed_event_is_due_again_after_its_delay_with_its_attempts(world: World) -> None:
    await append(world, (1, 1), (2, 1))
    (row, _) = await due(world)

    await world.queue.defer([failed(row, delay=60)])
    await world.queue.defer([failed(row, delay=0.01)])

    rows = await later(lambda: due(world))
    assert [(one.event_id, one.attempts) for one in rows] == [(event_id(1), 2), (event_id(2), 0)]


async def test_a_parked_event_holds_its_order_back_for_good(world: World) -> None:
    await append(world, (1, 1), (2, 1), (3, 2))
    rows = await due(world)

    await world.queue.defer([failed(rows[0], delay=None)])

    assert await numbers(world) == [3]


async def test_what_goes_through_in_the_end_leaves_no_failures_behind(world: World) -> None:
    await append(world, (1, 1), (2, 1))
    row, _ = await due(world)
    await world.queue.defer([failed(row)])

    await world.queue.archive(sent(row), await held(world))

    assert await numbers(world) == [2]
    assert await world.count("outbox_attempts") == 0


async def test_an_earlier_owner_forgets_no_failures(world: World) -> None:
    await append(world, (1, 1), (2, 1))
    row, _ = await due(world)
    await world.queue.defer([failed(row, delay=0)])
    (again, _), stale = await later(lambda: due(world)), await held(world)
    await held(world)
    await world.queue.defer([failed(again, delay=None)])

    await world.queue.archive(sent(again), stale)

    assert await world.count("outbox_attempts") == 1
    assert await numbers(world) == []


async def test_an_event_that_another_has_archived_meanwhile_holds_nothing_back(world: World) -> None:
    await append(world, (1, 1), (2, 1))
    row, _ = await due(world)
    await world.queue.archive(sent(row), await held(world))

    await world.queue.defer([failed(row, delay=None)])

    assert await numbers(world) == [2]
    assert await world.count("outbox_attempts") == 0


@pytest.mark.parametrize("attempt", range(3))
async def test_a_claim_of_the_shards_and_an_archive_at_the_same_moment_exclude_each_other(
    world: World, attempt: int
) -> None:
    await append(world, *((number, number) for number in range(1, 21)))
    rows, tokens = await due(world), await held(world)

    moved, _ = await asyncio.gather(world.queue.archive(sent(*rows), tokens), held(world))

    assert moved + await world.count("outbox") == 20
    assert await world.count("outbox_archive") == moved
