"""The Seats port: one suite for the fake and for PostgreSQL."""

import asyncio

import pytest
from asyncpg import IntegrityConstraintViolationError  # type: ignore[import-untyped]  # it has no stubs

from ordersys.domain.orders.placing import Limits
from ordersys.usecase.orders.place_orders import PlaceOrders
from ordersys.usecase.orders.ports import OrderPlaced
from tests.contract.world import World, undone
from tests.fakes.clock import FakeClock, FakeIds
from tests.fakes.making import flight_id, offer, place, want
from tests.fakes.orders import FakeOrderMeter


async def left(world: World, number: int = 1) -> int:
    async with undone(world.unit_of_work) as transaction:
        return (await transaction.seats.lock([flight_id(number)]))[flight_id(number)].seats_left


async def test_an_offer_is_the_flight_as_it_is_sold_now(world: World) -> None:
    offers = [offer(1, price=540_000, left=3), offer(2, currency="EUR", left=0)]
    await world.put(offers)

    async with undone(world.unit_of_work) as transaction:
        found = await transaction.seats.lock({flight_id(1), flight_id(2), flight_id(9)})

    assert found == {one.flight_id: one for one in offers}


async def test_no_flights_are_no_offers(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        assert await transaction.seats.lock([]) == {}


async def test_seats_are_taken_and_given_back(world: World) -> None:
    await world.put([offer(1, left=5), offer(2, left=5), offer(3, left=5)])

    async with world.unit_of_work.begin() as transaction:
        await transaction.seats.take({flight_id(1): 2, flight_id(2): -1})

    assert [await left(world, number) for number in (1, 2, 3)] == [3, 6, 5]


async def test_seats_of_a_rolled_back_transaction_are_free(world: World) -> None:
    await world.put([offer(left=5)])

    async with undone(world.unit_of_work) as transaction:
        await transaction.seats.take({flight_id(1): 2})

    assert await left(world) == 5


async def test_buyers_at_the_same_moment_wait_for_each_other(world: World) -> None:
    await world.put([offer(left=5)])
    together = asyncio.Barrier(10)

    async def buy() -> None:
        await together.wait()
        async with world.unit_of_work.begin() as transaction:
            seen = (await transaction.seats.lock([flight_id(1)]))[flight_id(1)].seats_left
            if seen:
                await transaction.seats.take({flight_id(1): 1})

    await asyncio.gather(*(buy() for _ in range(10)))

    assert await left(world) == 0


async def test_batches_over_the_same_flights_in_any_order_do_not_deadlock(world: World) -> None:
    await world.put([offer(number, left=90) for number in range(1, 6)])

    async def buy(*numbers: int) -> None:
        async with world.unit_of_work.begin() as transaction:
            await transaction.seats.lock([flight_id(number) for number in numbers])
            await transaction.seats.take({flight_id(number): 1 for number in numbers})

    await asyncio.gather(*(buy(*order) for order in [(1, 2, 3, 4, 5), (5, 4, 3, 2, 1), (3, 1, 5, 2, 4)] * 4))

    assert [await left(world, number) for number in range(1, 6)] == [78] * 5


async def test_the_last_seats_are_sold_once(world: World) -> None:
    await world.put([offer(left=5)])
    ids = FakeIds()
    shops = [
        PlaceOrders(
            unit_of_work=world.unit_of_work,
            clock=FakeClock(),
            ids=ids,
            meter=FakeOrderMeter(),
            limits=Limits(max_items=3, max_seats=9),
            keys_kept=FakeClock().now() - FakeClock(passed=-3600).now(),
        )
        for _ in range(4)
    ]

    batches = await asyncio.gather(
        *(shop.execute([place(want(), key=f"{n}-{i}") for i in range(5)]) for n, shop in enumerate(shops))
    )

    assert sum(isinstance(result, OrderPlaced) for batch in batches for result in batch) == 5
    assert await left(world) == 0
    assert await world.count("orders") == await world.count("outbox") == 5


async def test_no_more_seats_are_taken_than_there_are(real_world: World) -> None:
    await real_world.put([offer(left=1)])

    with pytest.raises(IntegrityConstraintViolationError, match="seats"):
        async with real_world.unit_of_work.begin() as transaction:
            await transaction.seats.take({flight_id(1): 2})
