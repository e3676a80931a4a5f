"""The ShardLeases port: one suite for the fake and for PostgreSQL."""

import asyncio
from collections.abc import Mapping

import pytest

from ordersys.messaging.outbox import SHARDS, ShardLeases
from tests.contract.world import World, later

LONG, SHORT = 60.0, 0.3
ALL = set(range(SHARDS))


async def balanced(*workers: ShardLeases) -> list[Mapping[int, int]]:
    """Who holds what after each worker has balanced twice: once to give back, once to take."""
    for worker in workers:
        await worker.balance(returning=False)
    return [await worker.balance(returning=False) for worker in workers]


def sizes(shares: list[Mapping[int, int]]) -> list[int]:
    return [len(share) for share in shares]


def together(shares: list[Mapping[int, int]]) -> list[int]:
    return sorted(shard for share in shares for shard in share)


async def test_alone_a_worker_has_everything(world: World) -> None:
    assert set(await world.leases("one", LONG).balance(returning=True)) == ALL


async def test_two_workers_have_half_each(world: World) -> None:
    one, two = world.leases("one", LONG), world.leases("two", LONG)
    await one.balance(returning=True)
    await two.balance(returning=True)

    shares = await balanced(one, two)

    assert sizes(shares) == [32, 32]
    assert together(shares) == sorted(ALL)


async def test_a_third_worker_gets_its_share_of_both(world: World) -> None:
    workers = [world.leases(name, LONG) for name in ("one", "two")]
    await balanced(*workers)
    await balanced(*workers)

    third = world.leases("three", LONG)
    await third.balance(returning=True)
    await balanced(*workers, third)
    shares = await balanced(*workers, third)

    assert sorted(sizes(shares)) == [20, 22, 22]
    assert together(shares) == sorted(ALL)


async def test_what_is_kept_keeps_its_token(world: World) -> None:
    one, two = world.leases("one", LONG), world.leases("two", LONG)
    before = await one.balance(returning=True)
    await two.balance(returning=True)

    after = await one.balance(returning=False)

    assert len(after) == 32
    assert after.items() <= before.items()


async def test_what_changes_hands_gets_a_new_token(world: World) -> None:
    one, two = world.leases("one", LONG), world.leases("two", LONG)
    before = await one.balance(returning=True)
    await two.balance(returning=True)
    await one.balance(returning=False)

    taken = await two.balance(returning=False)

    assert len(taken) == 32
    assert all(token > before[shard] for shard, token in taken.items())


async def test_the_shards_of_a_dead_worker_are_taken_when_its_lease_ends(world: World) -> None:
    dead, alive = world.leases("dead", SHORT), world.leases("alive", SHORT)
    await dead.balance(returning=True)
    assert await alive.balance(returning=True) == {}

    async def has_all() -> bool:
        return set(await alive.balance(returning=False)) == ALL

    await later(has_all)


async def test_a_lease_does_not_end_while_it_is_renewed(world: World) -> None:
    slow, other = world.leases("slow", SHORT), world.leases("other", SHORT)
    mine = await slow.balance(returning=True)
    ended = asyncio.get_running_loop().time() + 3 * SHORT

    async def long_after() -> bool:
        await slow.renew()
        assert await other.balance(returning=False) == {}
        return asyncio.get_running_loop().time() > ended

    await later(long_after)
    assert (await slow.balance(returning=False)).items() <= mine.items()


async def test_a_worker_that_comes_back_takes_its_own_at_once_under_new_tokens(world: World) -> None:
    before = await world.leases("one", LONG).balance(returning=True)

    after = await world.leases("one", LONG).balance(returning=True)

    assert set(after) == ALL
    assert all(after[shard] > before[shard] for shard in ALL)


async def test_a_process_does_not_live_on_the_lease_of_its_successor(world: World) -> None:
    taken_for_dead, successor = world.leases("one", LONG), world.leases("one", LONG)
    await taken_for_dead.balance(returning=True)
    tokens = await successor.balance(returning=True)

    assert await taken_for_dead.balance(returning=False) == {}
    assert await successor.balance(returning=False) == tokens


async def test_a_worker_that_comes_back_leaves_the_others_theirs(world: World) -> None:
    one, two = world.leases("one", LONG), world.leases("two", LONG)
    await one.balance(returning=True)
    await two.balance(returning=True)
    _, others = await balanced(one, two)

    back = await world.leases("one", LONG).balance(returning=True)

    assert len(back) == 32
    assert not set(back) & set(others)
    assert await two.balance(returning=False) == others


async def test_another_name_takes_nothing_while_a_lease_runs(world: World) -> None:
    await world.leases("one", LONG).balance(returning=True)

    assert await world.leases("two", LONG).balance(returning=True) == {}


async def test_what_is_released_is_free_at_once(world: World) -> None:
    one, two = world.leases("one", LONG), world.leases("two", LONG)
    await one.balance(returning=True)

    await one.release()

    assert set(await two.balance(returning=True)) == ALL


async def test_releasing_twice_is_releasing_once(world: World) -> None:
    one = world.leases("one", LONG)
    await one.balance(returning=True)

    await one.release()
    await one.release()

    assert set(await one.balance(returning=True)) == ALL


@pytest.mark.parametrize("count", [2, 4, 8])
async def test_claims_at_the_same_moment_are_disjoint(world: World, count: int) -> None:
    workers = [world.leases(f"worker-{n}", LONG) for n in range(count)]
    await asyncio.gather(*(worker.renew() for worker in workers))  # all are known, so all want an equal share

    first = await asyncio.gather(*(worker.balance(returning=True) for worker in workers))
    assert len(together(first)) == len(set(together(first)))

    for _ in range(3):
        await balanced(*workers)
    shares = await balanced(*workers)
    assert together(shares) == sorted(ALL)
    assert set(sizes(shares)) == {SHARDS // count}
