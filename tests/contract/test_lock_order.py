"""Rows of one kind are locked in the order of their ids, however they are asked for: so no two transactions can each
hold what the other waits for. One suite for the fakes and for PostgreSQL.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import pytest

from ordersys.domain.payments.payment import PaymentStatus
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.usecase.orders.ports import IdempotencyKey
from ordersys.usecase.payments.ports import Intent
from ordersys.usecase.tickets.ports import Decision
from tests.contract.world import EveryTransaction, World, later, undone
from tests.fakes.clock import NOON
from tests.fakes.making import ANNA, CAUSE, charge, flight_id, messages, offer, order, order_id
from tests.fakes.placing import SINCE, add

PATIENCE: Final = 0.5


def key(name: str) -> IdempotencyKey:
    return IdempotencyKey(customer_id=ANNA, route="POST /orders", key=name)


Locking = Callable[[EveryTransaction, Sequence[int]], Awaitable[object]]
LOCKS: Final[Mapping[str, Locking]] = {
    "flights": lambda transaction, numbers: transaction.seats.lock([flight_id(n) for n in numbers]),
    "flights of new orders": lambda transaction, numbers: transaction.placements.prepare(
        {key(str(numbers)): [flight_id(n) for n in numbers]}, since=SINCE
    ),
    "orders": lambda transaction, numbers: transaction.orders.lock([order_id(n) for n in numbers]),
    "payments": lambda transaction, numbers: transaction.payments.lock([order_id(n) for n in numbers]),
    "seat maps": lambda transaction, numbers: transaction.seat_maps.lock([flight_id(n) for n in numbers]),
    "tickets": lambda transaction, numbers: transaction.ticketings.decide(
        {order_id(n): Decision(Ticketing.ISSUED, 1) for n in numbers}, at=NOON
    ),
    "inbox": lambda transaction, numbers: transaction.inbox.claim("order-service", messages(*numbers)),
}


async def prepare(world: World) -> None:
    await world.put([offer(1), offer(2)])
    async with world.unit_of_work.begin() as transaction:
        await add(transaction, [order(1), order(2)])
        await transaction.seat_maps.lock([flight_id(1), flight_id(2)])
        intents = [Intent(charge=charge(n), status=PaymentStatus.REQUESTED, cause=CAUSE) for n in (1, 2)]
        await transaction.payments.request(intents, at=NOON)


@pytest.mark.parametrize("rows", LOCKS)
async def test_whoever_waits_for_a_later_row_has_the_earlier_one(world: World, rows: str) -> None:
    await prepare(world)

    async def reach(*numbers: int) -> None:
        async with undone(world.unit_of_work) as transaction:
            await LOCKS[rows](transaction, numbers)

    async def first_is_taken() -> bool:
        asking = asyncio.create_task(reach(1))
        await asyncio.wait({asking}, timeout=PATIENCE)
        return asking.cancel()

    async with undone(world.unit_of_work) as holder:
        await LOCKS[rows](holder, [2])
        waiting = asyncio.create_task(reach(2, 1))
        await later(first_is_taken)
    await waiting
