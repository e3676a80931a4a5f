"""The Orders port: one suite for the fake and for PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from asyncpg import IntegrityConstraintViolationError  # type: ignore[import-untyped]  # it has no stubs

from ordersys.domain.orders.order import Item, Order, Status
from ordersys.domain.shared.ids import OrderId
from ordersys.usecase.orders.ports import LockedOrder, StatusChange
from tests.contract.world import World, undone
from tests.fakes import placing
from tests.fakes.clock import NOON
from tests.fakes.making import event_id, flight_id, item, order, order_id


async def add(world: World, *orders: Order) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, orders)


async def stored(world: World, *numbers: int) -> dict[int, Order]:
    async with undone(world.unit_of_work) as transaction:
        found = await transaction.orders.lock({order_id(number) for number in numbers})
    return {number: await whole(world, found[order_id(number)]) for number in numbers if order_id(number) in found}


async def whole(world: World, standing: LockedOrder) -> Order:
    """What was locked, with what is shown of the order."""
    view = await world.reads.order(standing.order_id, standing.customer_id)
    assert view
    assert (view.status, view.total, view.created_at) == (standing.status, standing.total, standing.created_at)
    return Order(
        id=standing.order_id,
        customer_id=standing.customer_id,
        status=standing.status,
        items=tuple(Item(flight_id=i.flight_id, seats=i.seats, unit_price=i.unit_price) for i in view.items),
        total=standing.total,
        payment_method=standing.payment_method,
        created_at=standing.created_at,
        updated_at=view.updated_at,
        reason=view.reason,
    )


def step(after: Status, *, number: int = 1, before: Status | None, reason: str | None = None) -> StatusChange:
    return StatusChange(
        order_id=order_id(number),
        before=before,
        after=after,
        at=NOON + timedelta(seconds=1),
        reason=reason,
        event_id=event_id(1),
    )


async def test_an_order_comes_back_as_it_was_added(world: World) -> None:
    bought = [order(1, item(2, 1, 700), item(1, 3, 500)), order(2)]

    await add(world, *bought)

    assert list((await stored(world, 1, 2)).values()) == bought


async def test_orders_that_do_not_exist_are_left_out(world: World) -> None:
    await add(world, order(1))

    assert set(await stored(world, 1, 2)) == {1}


async def test_the_seats_of_several_orders_add_up_by_flight(world: World) -> None:
    await add(world, order(1, item(1, 2), item(2, 1)), order(2, item(2, 3), item(2, 1)), order(3, item(1, 9)))

    async with undone(world.unit_of_work) as transaction:
        seats = await transaction.orders.seats([order_id(1), order_id(2), order_id(8)])

    assert dict(seats) == {flight_id(1): 2, flight_id(2): 5}


async def test_what_is_rolled_back_was_never_there(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        await placing.add(transaction, [order(1)])

    assert await stored(world, 1) == {}
    assert await world.count("orders") == 0


async def test_a_transaction_sees_its_own_changes_and_others_do_not(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
        assert set(await transaction.orders.lock([order_id(1)])) == {order_id(1)}
        assert await world.count("orders") == 0

    assert await world.count("orders") == 1


async def test_the_last_step_of_several_is_the_status(world: World) -> None:
    await add(world, order(1), order(2))

    async with world.unit_of_work.begin() as transaction:
        await transaction.orders.change(
            [
                step(Status.PAYMENT_AUTHORIZED, before=Status.CREATED),
                step(Status.COMPLETED, before=Status.PAYMENT_AUTHORIZED),
            ]
        )

    moved = replace(order(1), status=Status.COMPLETED, updated_at=NOON + timedelta(seconds=1))
    assert await stored(world, 1, 2) == {1: moved, 2: order(2)}


async def test_a_reason_is_kept(world: World) -> None:
    await add(world, order(1))

    async with world.unit_of_work.begin() as transaction:
        await transaction.orders.change([step(Status.CANCELLED, before=Status.CREATED, reason="no money")])

    assert (await stored(world, 1))[1].reason == "no money"


async def test_no_status_is_reached_twice(world: World) -> None:
    await add(world, order(1))
    async with world.unit_of_work.begin() as transaction:
        await transaction.orders.change([step(Status.CANCELLED, before=Status.CREATED)])

    with pytest.raises((IntegrityConstraintViolationError, ValueError)):
        async with world.unit_of_work.begin() as transaction:
            await transaction.orders.change([step(Status.CANCELLED, before=Status.CREATED)])


async def test_a_locked_order_is_seen_by_the_next_as_the_first_left_it(world: World) -> None:
    await add(world, order(1))
    locked, seen = asyncio.Event(), []

    async def second() -> None:
        await locked.wait()
        async with world.unit_of_work.begin() as transaction:
            seen.append((await transaction.orders.lock([order_id(1)]))[order_id(1)].status)

    waiting = asyncio.create_task(second())
    async with world.unit_of_work.begin() as transaction:
        await transaction.orders.lock([order_id(1)])
        locked.set()
        await asyncio.wait({waiting}, timeout=0.3)
        assert seen == []
        await transaction.orders.change([step(Status.CANCELLED, before=Status.CREATED)])
    await waiting

    assert seen == [Status.CANCELLED]


async def overdue(world: World, *, limit: int = 100, seconds: float = 10) -> list[OrderId]:
    """Those made more than so many seconds before a minute past noon."""
    async with undone(world.unit_of_work) as transaction:
        found = await transaction.orders.lock_overdue(NOON + timedelta(seconds=60 - seconds), limit)
    return list(found)


def made(number: int, second: float, status: Status = Status.CREATED) -> Order:
    return order(number, status=status, created_at=NOON + timedelta(seconds=second))


async def test_orders_under_way_are_overdue_when_they_are_too_old(world: World) -> None:
    await add(world, made(1, 49), made(2, 50), made(3, 51), made(4, 40, Status.PAYMENT_AUTHORIZED))

    assert set(await overdue(world)) == {order_id(1), order_id(4)}


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CREATED, Status.PAYMENT_AUTHORIZED}))
async def test_what_no_deadline_can_end_is_not_overdue(world: World, status: Status) -> None:
    await add(world, made(1, 0, status))

    assert await overdue(world) == []


async def test_the_oldest_overdue_orders_come_first_and_no_more_than_asked_for(world: World) -> None:
    await add(world, made(1, 3), made(2, 1), made(3, 2))

    assert set(await overdue(world, limit=2)) == {order_id(2), order_id(3)}


async def test_an_overdue_order_comes_whole(world: World) -> None:
    await add(world, made(1, 0))

    async with undone(world.unit_of_work) as transaction:
        (found,) = (await transaction.orders.lock_overdue(NOON + timedelta(seconds=60), 1)).values()
    assert await whole(world, found) == made(1, 0)


async def test_two_workers_never_get_the_same_overdue_order(world: World) -> None:
    await add(world, made(1, 0), made(2, 1))

    async with undone(world.unit_of_work) as transaction:
        first = await transaction.orders.lock_overdue(NOON + timedelta(seconds=60), 1)
        assert set(first) == {order_id(1)}
        assert await overdue(world) == [order_id(2)]


async def test_what_follows_a_commit_follows_no_rollback(world: World) -> None:
    done: list[str] = []

    async with undone(world.unit_of_work) as transaction:
        transaction.on_commit(lambda: done.append("rolled back"))
    async with world.unit_of_work.begin() as transaction:
        transaction.on_commit(lambda: done.append("committed"))
        assert done == []

    assert done == ["committed"]
