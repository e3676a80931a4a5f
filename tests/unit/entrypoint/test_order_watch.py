import asyncio
import gc
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest

from ordersys.domain.orders.order import Status
from ordersys.domain.shared.errors import Unavailable
from ordersys.domain.shared.ids import CustomerId
from ordersys.entrypoint import order_watch
from ordersys.entrypoint.coalescer import Busy
from ordersys.entrypoint.order_watch import OrderUpdate, OrderWatch, Watcher
from ordersys.usecase.orders.read_orders import OrderNotFound
from ordersys.usecase.orders.views import OrderPage, OrderView, StoredWorkflow, WorkflowView, order_view
from ordersys.usecase.orders.waiting import WaitingRules
from ordersys.usecase.orders.watch_orders import WatchOrders
from tests.fakes.clock import FakeClock
from tests.fakes.making import ANNA, BORIS, order, order_id
from tests.unit.usecase.orders.test_waiting import pay
from tests.waiting import eventually

AWAY = Unavailable("postgres")
POLL, DISCONNECTED_POLL = 5.0, 1.0


@dataclass(slots=True, kw_only=True)
class Orders:
    """OrderReads over statuses that a test sets; `reads` are the orders of each read. `settled`: the money is there."""

    statuses: dict[int, Status] = field(default_factory=lambda: {1: Status.CREATED, 2: Status.CREATED})
    settled: set[int] = field(default_factory=set)
    reads: list[set[int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    held: asyncio.Event | None = None
    reading: int = 0

    async def workflow(self, order_id: UUID, customer_id: CustomerId | None) -> StoredWorkflow | None:
        self.reading += 1
        if self.held:
            await self.held.wait()
        self.reading -= 1
        if customer_id not in (None, ANNA) or number(order_id) not in self.statuses:
            return None
        return self.stored(number(order_id))

    async def workflows(self, order_ids: Collection[UUID]) -> Mapping[UUID, StoredWorkflow]:
        if self.failures:
            raise self.failures.pop(0)
        self.reads.append({number(one) for one in order_ids})
        return {one: self.stored(number(one)) for one in order_ids if number(one) in self.statuses}

    async def order(self, order_id: UUID, customer_id: CustomerId | None) -> OrderView | None:
        raise NotImplementedError

    async def page(self, customer_id: CustomerId, *, status: str | None, before: UUID | None, limit: int) -> OrderPage:
        raise NotImplementedError

    def stored(self, of: int) -> StoredWorkflow:
        return replace(flow(of, self.statuses[of]), payment=pay("CAPTURED") if of in self.settled else None)


def watch_over(orders: Orders, clock: FakeClock, *, max_watchers: int) -> OrderWatch:
    return OrderWatch(
        orders=WatchOrders(reads=orders, rules=WaitingRules(subscribers={}, deadline=timedelta(hours=1))),
        ticker=clock,
        max_watchers=max_watchers,
        poll_seconds=POLL,
        disconnected_poll_seconds=DISCONNECTED_POLL,
    )


def number(of: UUID) -> int:
    return of.int & 0xFFFF


def flow(of: int, status: Status) -> WorkflowView:
    shown = order_view(replace(order(of), status=status))
    return WorkflowView(
        order=shown, payment=None, tickets=(), outbox=(), inbox=(), history=(), retries=(), dead_letters=()
    )


def render(flow: WorkflowView) -> bytes:
    return flow.order.status.encode()


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watch(orders: Orders, clock: FakeClock) -> OrderWatch:
    made = watch_over(orders, clock, max_watchers=3)
    made.disconnected(False)
    return made


async def opened(watch: OrderWatch, of: int = 1) -> Watcher:
    """With the first update taken."""
    watcher = await watch.open(order_id(of), ANNA, render)
    assert await watcher.next(1)
    return watcher


async def seen(watcher: Watcher) -> bytes | None:
    update = await watcher.next(0)
    return update.rendered if update else None


async def test_a_watcher_has_its_first_update_when_it_opens(watch: OrderWatch) -> None:
    watcher = await watch.open(order_id(1), ANNA, render)

    assert await watcher.next(0) == OrderUpdate(rendered=b"CREATED", last=False)
    assert await watcher.next(0) is None


async def test_watch_refuses_missing_orders_and_those_of_other_customers(watch: OrderWatch) -> None:
    for customer, of in ((BORIS, 1), (ANNA, 9)):
        with pytest.raises(OrderNotFound):
            await watch.open(order_id(of), customer, render)

    assert len(watch._watchers) == len(watch._watched) == 0


async def test_each_watcher_gets_its_own_rendering_of_the_same_read(watch: OrderWatch, orders: Orders) -> None:
    def other(flow: WorkflowView) -> bytes:
        return b"other " + render(flow)

    one, two = await opened(watch), await watch.open(order_id(1), None, other)
    assert await seen(two) == b"other CREATED"
    orders.statuses[1] = Status.COMPLETED
    watch.changed([order_id(1)])
    await watch.run_once()

    assert (await seen(one), await seen(two)) == (b"COMPLETED", b"other COMPLETED")
    assert orders.reads == [{1}]


async def test_a_change_is_one_read_for_all_its_watchers(watch: OrderWatch, orders: Orders) -> None:
    watchers = [await opened(watch) for _ in range(3)]
    orders.statuses[1] = Status.PAYMENT_AUTHORIZED
    watch.changed([order_id(1), order_id(1), order_id(2)])

    assert await watch.run_once() == 1
    assert [await seen(one) for one in watchers] == [b"PAYMENT_AUTHORIZED"] * 3
    assert orders.reads == [{1}]
    assert watch.wake.is_set()


async def test_changes_of_several_orders_are_one_read(watch: OrderWatch, orders: Orders) -> None:
    one, two = await opened(watch, 1), await opened(watch, 2)
    orders.statuses = {1: Status.COMPLETED, 2: Status.CANCELLED}
    watch.changed([order_id(1)])
    watch.changed([order_id(2)])
    await watch.run_once()

    assert (await seen(one), await seen(two)) == (b"COMPLETED", b"CANCELLED")
    assert orders.reads == [{1, 2}]


async def test_a_read_has_a_bound(watch: OrderWatch, orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_watch, "MAX_ORDERS_PER_READ", 1)
    one, two = await opened(watch, 1), await opened(watch, 2)
    watch.changed([order_id(1), order_id(2)])

    assert [await watch.run_once() for _ in range(3)] == [1, 1, 0]
    assert orders.reads == [{1}, {2}]
    del one, two


async def test_watch_does_not_deliver_the_same_state_twice(watch: OrderWatch) -> None:
    watcher = await opened(watch)
    watch.changed([order_id(1)])
    await watch.run_once()
    await watcher.next(0)
    watch.changed([order_id(1)])
    await watch.run_once()

    assert await seen(watcher) is None


async def test_an_order_that_changes_while_it_is_read_is_read_again(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    watch.changed([order_id(1)])
    reading = asyncio.create_task(watch.run_once())
    await asyncio.sleep(0)
    watch.changed([order_id(1)])
    await reading
    await watch.run_once()

    assert orders.reads == [{1}, {1}]
    del watcher


async def test_a_slow_watcher_misses_steps_and_not_the_end(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    for status in (Status.PAYMENT_AUTHORIZED, Status.COMPLETED):
        orders.statuses[1] = status
        watch.changed([order_id(1)])
        await watch.run_once()

    assert await seen(watcher) == b"COMPLETED"
    assert await seen(watcher) is None


async def test_watch_keeps_a_change_that_arrives_during_the_first_read(watch: OrderWatch, orders: Orders) -> None:
    orders.held = asyncio.Event()
    opening = asyncio.create_task(watch.open(order_id(1), ANNA, render))
    await asyncio.sleep(0)
    orders.statuses[1] = Status.COMPLETED
    watch.changed([order_id(1)])
    await watch.run_once()
    orders.statuses[1] = Status.CREATED  # the first read found an older state
    orders.held.set()

    assert await seen(await opening) == b"COMPLETED"


@pytest.mark.parametrize(("disconnected", "seconds"), [(False, POLL), (True, DISCONNECTED_POLL)])
async def test_watch_finds_unreported_changes_by_polling(
    watch: OrderWatch, orders: Orders, clock: FakeClock, disconnected: bool, seconds: float
) -> None:
    watcher = await opened(watch)
    watch.disconnected(disconnected)
    orders.statuses[1] = Status.COMPLETED
    clock.advance(seconds - 0.1)
    assert await watch.run_once() == 0
    clock.advance(0.1)
    assert await watch.run_once() == 1

    assert await seen(watcher) == b"COMPLETED"


async def test_watch_reads_every_order_after_a_reconnection(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    watch.disconnected(True)
    orders.statuses[1] = Status.COMPLETED
    watch.disconnected(False)
    await watch.run_once()

    assert await seen(watcher) == b"COMPLETED"


async def test_watch_repeats_a_read_that_failed(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    orders.failures = [AWAY]
    orders.statuses[1] = Status.COMPLETED
    watch.changed([order_id(1)])
    with pytest.raises(Unavailable):
        await watch.run_once()
    await watch.run_once()

    assert await seen(watcher) == b"COMPLETED"


async def test_the_last_update_is_that_of_an_order_at_rest(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    orders.statuses[1], orders.settled = Status.COMPLETED, {1}
    watch.changed([order_id(1)])
    await watch.run_once()

    assert await watcher.next(0) == OrderUpdate(rendered=b"COMPLETED", last=True)


async def test_watch_follows_an_ended_order_a_little_longer_for_its_last_changes(
    watch: OrderWatch, orders: Orders, clock: FakeClock
) -> None:
    watcher = await opened(watch)
    orders.statuses[1] = Status.COMPLETED
    watch.changed([order_id(1)])
    await watch.run_once()
    assert await watcher.next(0) == OrderUpdate(rendered=b"COMPLETED", last=False)
    clock.advance(max(POLL, order_watch.LINGER_SECONDS))
    await watch.run_once()

    assert await watcher.next(0) == OrderUpdate(rendered=b"COMPLETED", last=True)


async def test_watch_has_a_limit_and_collected_watchers_make_room(watch: OrderWatch) -> None:
    watchers = [await opened(watch) for _ in range(3)]
    with pytest.raises(Busy):
        await watch.open(order_id(2), ANNA, render)
    watchers.pop()
    gc.collect()

    assert await seen(await watch.open(order_id(2), ANNA, render)) == b"CREATED"


async def test_a_watcher_that_stops_makes_room_and_its_order_is_dropped(watch: OrderWatch) -> None:
    watchers = [await opened(watch) for _ in range(3)]
    for watcher in watchers:
        watcher.stop()
        watcher.stop()

    assert not watch._watched
    assert await seen(await watch.open(order_id(1), ANNA, render)) == b"CREATED"


async def test_watch_opens_few_watchers_at_the_same_time(orders: Orders, clock: FakeClock) -> None:
    watch = watch_over(orders, clock, max_watchers=50)
    orders.held = asyncio.Event()
    opening = [asyncio.create_task(watch.open(order_id(1), ANNA, render)) for _ in range(50)]
    await eventually(lambda: orders.reading)
    assert orders.reading == order_watch.MAX_OPENING
    orders.held.set()

    assert len(await asyncio.gather(*opening)) == 50


async def test_watch_drops_an_order_without_watchers(watch: OrderWatch, orders: Orders, clock: FakeClock) -> None:
    watcher = await opened(watch)
    del watcher
    gc.collect()
    clock.advance(POLL)
    await watch.run_once()

    assert not watch._watched
    assert orders.reads == []


async def test_a_closed_watch_ends_its_watchers_and_accepts_no_other(watch: OrderWatch) -> None:
    watcher = await opened(watch)
    waiting = asyncio.create_task(watcher.next(60))
    await asyncio.sleep(0)
    watch.close()

    assert await asyncio.wait_for(waiting, 1) is None
    assert watcher.closed
    with pytest.raises(Busy):
        await watch.open(order_id(1), ANNA, render)


async def test_watch_stays_subscribed_a_little_longer_than_it_is_used(watch: OrderWatch, clock: FakeClock) -> None:
    listens = [watch.watching]
    watcher = await opened(watch)
    clock.advance(order_watch.STAY_SUBSCRIBED_SECONDS)
    listens.append(watch.watching)
    watcher.stop()
    listens.append(watch.watching)
    clock.advance(order_watch.STAY_SUBSCRIBED_SECONDS)
    listens.append(watch.watching)

    assert listens == [False, True, True, False]


async def test_the_first_watcher_wakes_the_reader_of_notifications(watch: OrderWatch) -> None:
    assert not watch.begun.is_set()
    watcher = await opened(watch)

    assert watch.begun.is_set()
    assert watch.watching
    del watcher
