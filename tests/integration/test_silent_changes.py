"""No commit changes what is seen of an order in silence: whoever watches it is told, at every step of every saga."""

from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from dependency_injector import providers

from ordersys.bootstrap.platform import PlatformContainer
from ordersys.domain.payments.payment import Unanswered
from ordersys.domain.shared.ids import OrderId
from ordersys.infrastructure.postgres.order_reads import PostgresOrderReads
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from tests.integration.saga import Saga, saga_of, settings_of


@dataclass(slots=True, kw_only=True)
class Watched:
    """A saga whose orders are looked at before and after each step; `told` are those that watchers were told of."""

    saga: Saga
    told: set[UUID]
    orders: list[OrderId] = field(default_factory=list)
    changing: list[str] = field(default_factory=list)

    async def step(self, name: str, unit_of_work: Awaitable[object]) -> None:
        reads = PostgresOrderReads(engine=self.saga.engine)
        before = await reads.workflows(self.orders)
        self.told.clear()
        await unit_of_work
        after = await reads.workflows(self.orders)
        changed = {one for one in before if before[one] != after[one]}
        assert changed <= self.told, f"{name} changed orders in silence"
        if changed:
            self.changing.append(name)

    async def place(self, count: int) -> Sequence[OrderId]:
        placed = await self.saga.place(count)
        self.orders += placed
        return placed

    async def settle(self, call: str) -> None:
        """The first call is not answered."""
        for answer in Unanswered(error="slow"), None:
            claimed: list[object] = []

            async def claiming(into: list[object] = claimed) -> None:
                into.extend(await self.saga.claim())

            await self.step(f"claim {call}", claiming())
            await self.step(f"{'postpone' if answer else 'record'} {call}", self.saga.record(claimed, answer))
            async with self.saga.engine.begin() as connection:
                await connection.exec_driver_sql(
                    "UPDATE payments SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingNotifier:
    ids: set[UUID] = field(default_factory=set)

    def notify(self, order_ids: Iterable[UUID]) -> None:
        self.ids.update(UUID(bytes=one.bytes) for one in order_ids)


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    platform, told = PlatformContainer(settings=settings_of(database_url), name="watched"), RecordingNotifier()
    platform.notifier.override(providers.Object(told))
    yield Watched(saga=await saga_of(platform), told=told.ids)
    await platform.engine().dispose()


async def test_a_purchase_and_its_refund(watched: Watched) -> None:
    saga = watched.saga
    orders = await watched.place(3)
    await watched.step("relay", saga.relayed())
    await watched.step("request payments", saga.consume(PAYMENT_SERVICE))
    await watched.settle("authorize")
    await watched.step("relay", saga.relayed())
    await watched.step("issue tickets", saga.consume(TICKET_SERVICE))
    await watched.step("orders are paid", saga.consume(ORDER_SERVICE))
    await watched.step("relay", saga.relayed())
    await watched.step("orders are complete", saga.consume(ORDER_SERVICE))
    await watched.step("capture payments", saga.consume(PAYMENT_SERVICE))
    await watched.settle("capture")
    await watched.step("refund orders", saga.refund(orders))
    await watched.step("relay", saga.relayed())
    await watched.step("void tickets", saga.consume(TICKET_SERVICE))
    await watched.step("relay", saga.relayed())
    await watched.step("refund payments", saga.consume(PAYMENT_SERVICE))
    await watched.settle("release")
    await watched.step("relay", saga.relayed())
    await watched.step("orders are refunded", saga.consume(ORDER_SERVICE))

    silent = {"relay", "refund orders", "void tickets", "orders are refunded", "claim capture", "record release"}
    assert silent <= set(watched.changing), "a step that changes nothing proves nothing"


async def test_cancelled_and_overdue_orders(watched: Watched) -> None:
    saga = watched.saga
    await watched.step("cancel orders", saga.cancel(await watched.place(2)))
    await watched.place(2)
    await watched.step("expire orders", saga.expire())
    for _ in range(4):
        await watched.step("relay", saga.relayed())
        for group in (PAYMENT_SERVICE, TICKET_SERVICE, ORDER_SERVICE):
            await watched.step(group, saga.consume(group))

    assert {"cancel orders", "expire orders", TICKET_SERVICE} <= set(watched.changing)
