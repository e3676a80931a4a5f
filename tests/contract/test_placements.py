"""The Placing port: one suite for the fake and for PostgreSQL."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from asyncpg import IntegrityConstraintViolationError  # type: ignore[import-untyped]  # it has no stubs

from ordersys.domain.shared.errors import Contention, Kind
from ordersys.domain.shared.ids import CustomerId, FlightId
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.usecase.orders.ports import Claim, IdempotencyKey, InUse, OrderPlaced, OrderRefused, Refusal, StoredAnswer
from ordersys.usecase.orders.views import order_view
from tests.contract.world import EveryTransaction, World, undone
from tests.fakes.clock import NOON
from tests.fakes.making import ANNA, BORIS, event_id, flight_id, item, offer, order, order_id, outgoing
from tests.fakes.placing import SINCE, placement

REFUSED = StoredAnswer(
    fingerprint=b"\x00\xff", answer=OrderRefused(refusal=Refusal(code="c", kind=Kind.CONFLICT, detail="d"))
)


def key(name: str = "k", *, customer: CustomerId = ANNA, route: str = "POST /orders") -> IdempotencyKey:
    return IdempotencyKey(customer_id=customer, route=route, key=name)


async def claim(transaction: EveryTransaction, *keys: IdempotencyKey, since: datetime = SINCE) -> Sequence[Claim]:
    prepared = await transaction.placements.prepare(dict.fromkeys(keys, ()), since=since)
    return [prepared.claims[one] for one in keys]


async def claimed(world: World, *keys: IdempotencyKey, since: datetime = SINCE) -> Sequence[Claim]:
    async with undone(world.unit_of_work) as transaction:
        return await claim(transaction, *keys, since=since)


async def answer(world: World, *keys: IdempotencyKey, answered: StoredAnswer = REFUSED, at: datetime = NOON) -> None:
    async with world.unit_of_work.begin() as transaction:
        await claim(transaction, *keys)
        await transaction.placements.write(placement(answers=dict.fromkeys(keys, answered)), at=at, since=SINCE)


async def test_a_new_key_is_taken(world: World) -> None:
    assert await claimed(world, key("a"), key("b")) == [None, None]


async def test_a_stored_refusal_comes_back_whole(world: World) -> None:
    await answer(world, key())

    assert await claimed(world, key()) == [REFUSED]


async def test_a_stored_order_comes_back_whole(world: World) -> None:
    placed = StoredAnswer(fingerprint=b"body", answer=OrderPlaced(order=order_view(order(1))))

    await answer(world, key(), answered=placed)

    (found,) = await claimed(world, key())
    assert isinstance(found, StoredAnswer)
    assert (found.fingerprint, to_json(found.answer)) == (b"body", to_json(placed.answer))


async def test_a_key_that_is_taken_elsewhere_is_in_use_and_nobody_waits(world: World) -> None:
    async with undone(world.unit_of_work) as first:
        await claim(first, key("a"))
        async with asyncio.timeout(5):
            busy, free = await claimed(world, key("a"), key("b"))

    assert isinstance(busy, InUse)
    assert free is None


async def test_a_key_is_free_again_after_a_rollback(world: World) -> None:
    async with undone(world.unit_of_work) as first:
        await claim(first, key())
        await first.placements.write(placement(answers={key(): REFUSED}), at=NOON, since=SINCE)

    assert await claimed(world, key()) == [None]


async def test_an_answer_that_is_there_counts_though_its_key_is_in_use(world: World) -> None:
    await answer(world, key())

    async with undone(world.unit_of_work) as first:
        await claim(first, key())
        assert await claimed(world, key()) == [REFUSED]


@pytest.mark.parametrize("other", [key(customer=BORIS), key(route="POST /cart/checkout"), key("K"), key(" k")])
async def test_a_key_belongs_to_its_customer_and_route(world: World, other: IdempotencyKey) -> None:
    await answer(world, key())

    async with undone(world.unit_of_work) as first:
        await claim(first, key())
        assert await claimed(world, other) == [None]


async def test_of_many_at_the_same_moment_one_takes_the_key(world: World) -> None:
    together, done = asyncio.Barrier(8), asyncio.Barrier(8)

    async def once() -> Claim:
        async with undone(world.unit_of_work) as transaction:
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
    fresh = StoredAnswer(fingerprint=b"new", answer=REFUSED.answer)

    await answer(world, key(), answered=fresh)

    assert await claimed(world, key()) == [fresh]
    assert await world.count("idempotency_keys") == 1


async def test_a_live_answer_is_never_replaced(world: World) -> None:
    await answer(world, key())

    with pytest.raises(Contention):
        await answer(world, key(), answered=StoredAnswer(fingerprint=b"other", answer=REFUSED.answer))

    assert await claimed(world, key()) == [REFUSED]


async def offers(transaction: EveryTransaction, wanted: Mapping[IdempotencyKey, Collection[FlightId]]) -> set[FlightId]:
    prepared = await transaction.placements.prepare(wanted, since=SINCE)
    assert all(flight == one.flight_id for flight, one in prepared.offers.items())
    return set(prepared.offers)


async def test_the_flights_wanted_under_new_keys_are_offered_as_they_are_sold_now(world: World) -> None:
    sold = [offer(1, price=540_000, left=3), offer(2, currency="EUR", left=0)]
    await world.put([*sold, offer(3)])

    async with undone(world.unit_of_work) as transaction:
        prepared = await transaction.placements.prepare(
            {key("a"): {flight_id(1)}, key("b"): {flight_id(2)}}, since=SINCE
        )

    assert prepared.offers == {one.flight_id: one for one in sold}
    assert dict(prepared.claims) == {key("a"): None, key("b"): None}


async def test_flights_that_do_not_exist_are_not_offered(world: World) -> None:
    await world.put([offer(1)])

    async with undone(world.unit_of_work) as transaction:
        assert await offers(transaction, {key(): {flight_id(1), flight_id(9)}}) == {flight_id(1)}


async def test_an_answered_key_waits_for_no_flight(world: World) -> None:
    await world.put([offer(1), offer(2)])
    await answer(world, key("a"))

    async with undone(world.unit_of_work) as seller:
        await seller.seats.lock([flight_id(1)])
        async with asyncio.timeout(5), undone(world.unit_of_work) as transaction:
            assert await offers(transaction, {key("a"): {flight_id(1)}, key("b"): {flight_id(2)}}) == {flight_id(2)}


async def test_a_key_in_use_waits_for_no_flight(world: World) -> None:
    await world.put([offer(1)])

    async with undone(world.unit_of_work) as first:
        await first.placements.prepare({key(): {flight_id(1)}}, since=SINCE)
        async with asyncio.timeout(5), undone(world.unit_of_work) as second:
            assert await offers(second, {key(): {flight_id(1)}}) == set()


async def test_a_flight_that_another_wants_too_is_offered_when_that_one_has_ended(world: World) -> None:
    await world.put([offer(1, left=5)])
    seen: list[int] = []

    async def second() -> None:
        async with undone(world.unit_of_work) as transaction:
            prepared = await transaction.placements.prepare({key("b"): {flight_id(1)}}, since=SINCE)
            seen.append(prepared.offers[flight_id(1)].seats_left)

    async with world.unit_of_work.begin() as first:
        await first.placements.prepare({key("a"): {flight_id(1)}}, since=SINCE)
        waiting = asyncio.create_task(second())
        await asyncio.wait({waiting}, timeout=0.3)
        assert seen == []
        await first.placements.write(placement([order(1)], seats={flight_id(1): 2}), at=NOON, since=SINCE)
    await waiting

    assert seen == [3]


async def test_batches_that_want_the_same_flights_in_any_order_do_not_deadlock(world: World) -> None:
    await world.put([offer(number, left=90) for number in range(1, 6)])

    async def buy(name: int, *numbers: int) -> None:
        flights = [flight_id(number) for number in numbers]
        async with world.unit_of_work.begin() as transaction:
            await transaction.placements.prepare(
                {key(f"{name}-{n}"): [flight] for n, flight in enumerate(flights)}, since=SINCE
            )
            taken = placement([order(name)], seats=dict.fromkeys(flights, 1))
            await transaction.placements.write(taken, at=NOON, since=SINCE)

    orders = [(1, 2, 3, 4, 5), (5, 4, 3, 2, 1), (3, 1, 5, 2, 4)] * 4
    await asyncio.gather(*(buy(name, *numbers) for name, numbers in enumerate(orders)))

    async with undone(world.unit_of_work) as transaction:
        left = await transaction.seats.lock([flight_id(number) for number in range(1, 6)])
    assert [one.seats_left for one in left.values()] == [78] * 5


async def test_what_is_placed_is_written_together(world: World) -> None:
    await world.put([offer(1, left=9), offer(2, left=9)])
    bought = [order(1, item(2, 1, 700), item(1, 3, 500)), order(2)]
    placed = placement(
        bought,
        seats={flight_id(1): 4, flight_id(2): 1},
        events=[outgoing(1, order=1), outgoing(2, order=2)],
        answers={key("a"): REFUSED, key("b"): REFUSED},
    )

    async with world.unit_of_work.begin() as transaction:
        await transaction.placements.write(placed, at=NOON, since=SINCE)
        assert await world.count("orders") == await world.count("outbox") == 0

    for number, one in enumerate(bought, 1):
        assert to_json(await world.reads.order(order_id(number), ANNA)) == to_json(order_view(one))
        found = await world.reads.workflow(order_id(number), ANNA)
        assert found
        assert [(step.from_status, step.to_status, step.at) for step in found.history] == [(None, "CREATED", NOON)]
        assert [event.event_id for event in found.outbox] == [str(event_id(number))]
    async with undone(world.unit_of_work) as transaction:
        left = await transaction.seats.lock([flight_id(1), flight_id(2)])
        assert [left[flight_id(number)].seats_left for number in (1, 2)] == [5, 8]
        assert await claim(transaction, key("a"), key("b")) == [REFUSED, REFUSED]


async def test_of_what_is_rolled_back_nothing_is_left(world: World) -> None:
    await world.put([offer(1, left=9)])

    async with undone(world.unit_of_work) as transaction:
        placed = placement([order(1)], seats={flight_id(1): 1}, events=[outgoing(1)], answers={key(): REFUSED})
        await transaction.placements.write(placed, at=NOON, since=SINCE)

    assert [await world.count(table) for table in ("orders", "outbox", "idempotency_keys")] == [0, 0, 0]
    async with undone(world.unit_of_work) as transaction:
        assert (await transaction.seats.lock([flight_id(1)]))[flight_id(1)].seats_left == 9


async def test_an_answer_given_meanwhile_undoes_the_orders(world: World) -> None:
    await answer(world, key())

    placed = placement([order(1)], answers={key(): REFUSED})
    with pytest.raises(Contention):
        async with world.unit_of_work.begin() as transaction:
            await transaction.placements.write(placed, at=NOON, since=SINCE)

    assert await world.count("orders") == 0


async def test_events_keep_their_order(world: World) -> None:
    numbers = [3, 1, 4, 2, 5]
    async with world.unit_of_work.begin() as transaction:
        placed = placement([order(1)], events=[outgoing(number) for number in numbers])
        await transaction.placements.write(placed, at=NOON, since=SINCE)

    tokens = await world.leases("worker", 60).balance(returning=True)
    assert [row.event_id for row in await world.queue.due(list(tokens), 10)] == [event_id(n) for n in numbers]


async def test_no_more_seats_are_sold_than_there_are(real_world: World) -> None:
    await real_world.put([offer(left=1)])

    with pytest.raises(IntegrityConstraintViolationError, match="seats"):
        async with real_world.unit_of_work.begin() as transaction:
            await transaction.placements.write(placement([order(1)], seats={flight_id(1): 2}), at=NOON, since=SINCE)

    assert await real_world.count("orders") == 0


async def test_nobody_misses_the_answer_of_who_held_the_key_before(real_world: World) -> None:
    """The look-up is younger than the lock: whoever gets a key that is free sees what its last holder left."""
    rounds, racers = 25, 4

    async def race(name: str) -> Claim:
        while True:
            async with real_world.unit_of_work.begin() as transaction:
                (found,) = await claim(transaction, key(name))
                if found is None:
                    await transaction.placements.write(placement(answers={key(name): REFUSED}), at=NOON, since=SINCE)
            if not isinstance(found, InUse):
                return found

    for number in range(rounds):
        found = await asyncio.gather(*(race(str(number)) for _ in range(racers)))
        assert sorted(one is None for one in found) == [False] * (racers - 1) + [True]
