"""The IdempotencyKeys port: one suite for the fake and for PostgreSQL."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from ordersys.domain.shared.errors import Contention, Kind
from ordersys.domain.shared.ids import CustomerId
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.usecase.orders.ports import Answered, Claim, IdempotencyKey, InUse, Outcome, Refusal
from ordersys.usecase.orders.views import order_view
from tests.contract.world import EveryTransaction, World, undone
from tests.fakes.clock import NOON
from tests.fakes.making import ANNA, BORIS, order

SINCE = NOON - timedelta(hours=24)
REFUSED = Answered(fingerprint=b"\x00\xff", outcome=Outcome(refused=Refusal(code="c", kind=Kind.CONFLICT, detail="d")))


def key(name: str = "k", *, customer: CustomerId = ANNA, route: str = "POST /orders") -> IdempotencyKey:
    return IdempotencyKey(customer_id=customer, route=route, key=name)


async def claim(transaction: EveryTransaction, *keys: IdempotencyKey, since: datetime = SINCE) -> Sequence[Claim]:
    claims = await transaction.idempotency.claim(keys, since=since)
    return [claims[one] for one in keys]


async def claimed(world: World, *keys: IdempotencyKey, since: datetime = SINCE) -> Sequence[Claim]:
    async with undone(world.work) as transaction:
        return await claim(transaction, *keys, since=since)


async def answer(world: World, *keys: IdempotencyKey, answered: Answered = REFUSED, at: datetime = NOON) -> None:
    async with world.work.begin() as transaction:
        await claim(transaction, *keys)
        await transaction.idempotency.store([(one, answered) for one in keys], at=at, since=SINCE)


async def test_a_new_key_is_taken(world: World) -> None:
    assert await claimed(world, key("a"), key("b")) == [None, None]


async def test_a_stored_refusal_comes_back_whole(world: World) -> None:
    await answer(world, key())

    assert await claimed(world, key()) == [REFUSED]


async def test_a_stored_order_comes_back_whole(world: World) -> None:
    placed = Answered(fingerprint=b"body", outcome=Outcome(placed=order_view(order(1))))

    await answer(world, key(), answered=placed)

    (found,) = await claimed(world, key())
    assert isinstance(found, Answered)
    assert (found.fingerprint, to_json(found.outcome)) == (b"body", to_json(placed.outcome))


async def test_a_key_that_is_taken_elsewhere_is_in_use_and_nobody_waits(world: World) -> None:
    async with undone(world.work) as first:
        await claim(first, key("a"))
        async with asyncio.timeout(5):
            busy, free = await claimed(world, key("a"), key("b"))

    assert isinstance(busy, InUse)
    assert free is None


async def test_a_key_is_free_again_after_a_rollback(world: World) -> None:
    async with undone(world.work) as first:
        await claim(first, key())
        await first.idempotency.store([(key(), REFUSED)], at=NOON, since=SINCE)

    assert await claimed(world, key()) == [None]


async def test_an_answer_that_is_there_counts_though_its_key_is_in_use(world: World) -> None:
    await answer(world, key())

    async with undone(world.work) as first:
        await claim(first, key())
        assert await claimed(world, key()) == [REFUSED]


@pytest.mark.parametrize("other", [key(customer=BORIS), key(route="POST /cart/checkout"), key("K"), key(" k")])
async def test_a_key_belongs_to_its_customer_and_route(world: World, other: IdempotencyKey) -> None:
    await answer(world, key())

    async with undone(world.work) as first:
        await claim(first, key())
        assert await claimed(world, other) == [None]


async def test_of_many_at_the_same_moment_one_takes_the_key(world: World) -> None:
    together, done = asyncio.Barrier(8), asyncio.Barrier(8)

    async def once() -> Claim:
        async with undone(world.work) as transaction:
            await together.wait()
            (found,) = await claim(transaction, key())
            await done.wait()
            return found

    found = await asyncio.gather(*(once() for _ in range(8)))

    assert sum(one is None for one in found) == 1
    assert sum(isinstance(one, InUse) for one in found) == 7


async def test_an_expired_answer_does_not_count(world: World) -> None:
    await answer(world, key(), at=SINCE)

    assert await claimed(world, key()) == [None]
    assert await claimed(world, key(), since=SINCE - timedelta(microseconds=1)) == [REFUSED]


async def test_an_expired_answer_is_replaced(world: World) -> None:
    await answer(world, key(), at=SINCE)
    fresh = Answered(fingerprint=b"new", outcome=REFUSED.outcome)

    await answer(world, key(), answered=fresh)

    assert await claimed(world, key()) == [fresh]
    assert await world.count("idempotency_keys") == 1


async def test_a_live_answer_is_never_replaced(world: World) -> None:
    await answer(world, key())

    with pytest.raises(Contention):
        await answer(world, key(), answered=Answered(fingerprint=b"other", outcome=REFUSED.outcome))

    assert await claimed(world, key()) == [REFUSED]
