"""One batch is a fixed number of statements, whatever its size: a statement for each order shows here, and so does a
statement more.
"""

from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from ordersys.bootstrap import roles
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.domain.payments.payment import Unanswered
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from tests.fakes.making import ANNA
from tests.integration.saga import FLIGHTS, Saga, saga_of, settings_of
from tests.integration.statements import Recorder

# What is sent to PostgreSQL, BEGIN and COMMIT included. To consume is one batch of one type of event, inbox included.
COUNTS = {
    "place orders": 5,
    "relay pass": 2,
    "consume: request payments": 4,
    "claim payments": 1,
    "record payments: postpone": 1,
    "record payments: authorize": 1,
    "consume: issue tickets": 7,
    "consume: orders are paid": 5,
    "consume: orders are complete": 5,
    "consume: change payments": 5,
    "record payments: capture": 1,
    "refund orders": 5,
    "consume: void tickets": 8,
    "record payments: refund": 1,
    "consume: orders are refunded": 8,
    "cancel orders": 8,
    "expire orders": 8,
    "get order": 1,
    "get workflow": 1,
    "list orders": 1,
    "idle: relay pass": 1,
    "idle: claim payments": 1,
    "idle: retry": 3,
    "idle: expire orders": 4,
}

ENDED = text("SELECT status, count(*) AS orders FROM orders GROUP BY status")


@dataclass(slots=True, kw_only=True)
class Ledger:
    saga: Saga
    recorder: Recorder
    counts: dict[str, int] = field(default_factory=dict)

    async def step(self, name: str, work: Awaitable[object]) -> None:
        with self.recorder.recording() as sent:
            await work
        self.counts[name] = len(sent)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    platform = PlatformContainer(settings=settings_of(database_url), name="counted")
    recorder = Recorder(platform.engine())
    saga = await saga_of(platform)
    yield Ledger(saga=saga, recorder=recorder)
    await platform.engine().dispose()


async def buy(ledger: Ledger, count: int) -> Sequence[OrderId]:
    """From the request to the ticket and the captured payment."""
    saga, orders = ledger.saga, []

    async def placing() -> None:
        orders.extend(await saga.place(count))

    await ledger.step("place orders", placing())
    await ledger.step("relay pass", saga.relayed())
    await ledger.step("consume: request payments", saga.consume(PAYMENT_SERVICE))
    await settle(ledger, "authorize")
    await saga.relayed()
    await ledger.step("consume: issue tickets", saga.consume(TICKET_SERVICE))
    await ledger.step("consume: orders are paid", saga.consume(ORDER_SERVICE))
    await saga.relayed()
    await ledger.step("consume: orders are complete", saga.consume(ORDER_SERVICE))
    await ledger.step("consume: change payments", saga.consume(PAYMENT_SERVICE))
    await settle(ledger, "capture")
    return orders


async def settle(ledger: Ledger, what: str) -> None:
    """The first call is not answered."""
    saga = ledger.saga
    for answer in Unanswered(error="slow"), None:
        intents: list[object] = []

        async def claiming(into: list[object] = intents) -> None:
            into.extend(await saga.claim())

        await ledger.step("claim payments", claiming())
        await ledger.step(f"record payments: {'postpone' if answer else what}", saga.record(intents, answer))
        await due_now(saga)


async def due_now(saga: Saga) -> None:
    async with saga.engine.begin() as connection:
        await connection.execute(text("UPDATE payments SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL"))


async def give_back(ledger: Ledger, orders: Sequence[OrderId]) -> None:
    """Complete orders are refunded."""
    saga = ledger.saga
    await ledger.step("refund orders", saga.refund(orders))
    await saga.relayed()
    await ledger.step("consume: void tickets", saga.consume(TICKET_SERVICE))
    await saga.relayed()
    await saga.consume(PAYMENT_SERVICE)
    await settle(ledger, "refund")
    await saga.relayed()
    await ledger.step("consume: orders are refunded", saga.consume(ORDER_SERVICE))


async def call_off(ledger: Ledger, count: int) -> None:
    """Orders that were just placed are cancelled."""
    saga = ledger.saga
    await ledger.step("cancel orders", saga.cancel(await saga.place(count)))
    await saga.settle_down()
    await saga.place(count)
    await ledger.step("expire orders", saga.expire())
    await saga.settle_down()


async def look(ledger: Ledger, order: OrderId) -> None:
    orders = roles.order_container(ledger.saga.platform)
    await ledger.step("get order", orders.get_order().execute(order, ANNA))
    await ledger.step("get workflow", orders.get_workflow().execute(order, ANNA))
    await ledger.step("list orders", orders.list_orders().execute(ANNA, status=None, cursor=None, limit=20))


async def idle(ledger: Ledger) -> None:
    """What a loop asks when there is nothing to do."""
    saga = ledger.saga
    await ledger.step("idle: relay pass", saga.relayed())
    await ledger.step("idle: claim payments", saga.claim())
    await ledger.step("idle: retry", saga.retry())
    await ledger.step("idle: expire orders", saga.expire())


async def everything(ledger: Ledger, count: int) -> None:
    orders = await buy(ledger, count)
    await give_back(ledger, orders)
    await call_off(ledger, count)
    await look(ledger, orders[0])
    await idle(ledger)


@pytest.mark.parametrize("size", [1, 10, 100])
async def test_a_batch_is_a_fixed_number_of_statements(ledger: Ledger, size: int) -> None:
    # A first record is counted ahead, a flight's first ticket makes its seat map, a new connection asks about itself.
    await everything(ledger, FLIGHTS)
    ledger.counts.clear()

    await everything(ledger, size)

    assert {name: count for name, count in ledger.counts.items() if COUNTS.get(name) != count} == {}
    assert ledger.counts.keys() == COUNTS.keys()
    async with ledger.saga.engine.connect() as connection:
        ended = {row.status: row.orders for row in await connection.execute(ENDED)}
    assert ended == {"REFUNDED": size + FLIGHTS, "CANCELLED": 2 * (size + FLIGHTS)}
