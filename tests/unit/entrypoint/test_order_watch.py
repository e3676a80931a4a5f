import asyncio
import gc
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from ordersys.domain.orders.order import Status
from ordersys.domain.shared.errors import Unavailable
from ordersys.domain.shared.ids import CustomerId
from ordersys.entrypoint import order_watch
from ordersys.entrypoint.coalescer import Busy
from ordersys.entrypoint.order_watch import OrderWatch, Sight, Watcher
from ordersys.usecase.orders.read_orders import OrderNotFound
from ordersys.usecase.orders.views import WorkflowView, order_view
from ordersys.usecase.orders.watch_orders import Glance
from tests.fakes.clock import FakeClock
from tests.fakes.making import ANNA, BORIS, order, order_id
from tests.waiting import eventually

AWAY = Unavailable("postgres")
POLL, DEAF_POLL = 5.0, 1.0


@dataclass(slots=True, kw_only=True)
class Orders:
    """WatchOrders over statuses that a test sets; `reads` are the orders of each read."""

    statuses: dict[int, Status] = field(default_factory=lambda: {1: Status.CREATED, 2: Status.CREATED})
    ended: set[int] = field(default_factory=set)
    at_rest: set[int] = field(default_factory=set)
    reads: list[set[int]] = field(default_factory=list)
    opened: int = 0
    failures: list[Exception] = field(default_factory=list)
    held: asyncio.Event | None = None
    looking: int = 0

    async def first(self, order_id: UUID, customer_id: CustomerId | None) -> Glance:
        self.opened += 1
        self.looking += 1
        if self.held:
            await self.held.wait()
        self.looking -= 1
        if customer_id not in (None, ANNA) or number(order_id) not in self.statuses:
            raise OrderNotFound
        return self.glance(number(order_id))

    async def again(self, order_ids: Collection[UUID]) -> Mapping[UUID, Glance]:
        if self.failures:
            raise self.failures.pop(0)
        self.reads.append({number(one) for one in order_ids})
        return {one: self.glance(number(one)) for one in order_ids if number(one) in self.statuses}

    def glance(self, of: int) -> Glance:
        return Glance(flow=flow(of, self.statuses[of]), ended=of in self.ended, at_rest=of in self.at_rest)


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
    made = OrderWatch(
        looking=orders, render=render, ticker=clock, most=3, poll_seconds=POLL, disconnected_poll_seconds=DEAF_POLL
    )
    made.disconnected(False)
    return made


async def opened(watch: OrderWatch, of: int = 1) -> Watcher:
    """With the first sight taken."""
    watcher = await watch.open(order_id(of), ANNA)
    assert await watcher.next(1)
    return watcher


async def seen(watcher: Watcher) -> bytes | None:
    sight = await watcher.next(0)
    return sight.shown if sight else None


async def test_a_watcher_sees_the_order_at_once(watch: OrderWatch) -> None:
    watcher = await watch.open(order_id(1), ANNA)

    assert await watcher.next(0) == Sight(shown=b"CREATED", last=False)
    assert await watcher.next(0) is None


async def test_anothers_order_and_one_that_is_not_there_cannot_be_watched(watch: OrderWatch) -> None:
    for customer, of in ((BORIS, 1), (ANNA, 9)):
        with pytest.raises(OrderNotFound):
            await watch.open(order_id(of), customer)

    assert len(watch._watchers) == len(watch._watched) == 0


async def test_a_change_is_one_read_however_many_watch(watch: OrderWatch, orders: Orders) -> None:
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
    monkeypatch.setattr(order_watch, "READ_AT_ONCE", 1)
    one, two = await opened(watch, 1), await opened(watch, 2)
    watch.changed([order_id(1), order_id(2)])

    assert [await watch.run_once() for _ in range(3)] == [1, 1, 0]
    assert orders.reads == [{1}, {2}]
    del one, two


async def test_what_looks_the_same_is_not_shown_again(watch: OrderWatch) -> None:
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


async def test_a_change_between_entering_and_the_first_look_is_not_missed(watch: OrderWatch, orders: Orders) -> None:
    orders.held = asyncio.Event()
    opening = asyncio.create_task(watch.open(order_id(1), ANNA))
    await asyncio.sleep(0)
    orders.statuses[1] = Status.COMPLETED
    watch.changed([order_id(1)])
    await watch.run_once()
    orders.statuses[1] = Status.CREATED  # what the first look found was older
    orders.held.set()

    assert await seen(await opening) == b"COMPLETED"


@pytest.mark.parametrize(("disconnected", "seconds"), [(False, POLL), (True, DEAF_POLL)])
async def test_what_nobody_tells_is_found_by_looking_now_and_then(
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


async def test_what_was_missed_while_deaf_is_looked_for(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    watch.disconnected(True)
    orders.statuses[1] = Status.COMPLETED
    watch.disconnected(False)
    await watch.run_once()

    assert await seen(watcher) == b"COMPLETED"


async def test_what_could_not_be_read_is_read_later(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    orders.failures = [AWAY]
    orders.statuses[1] = Status.COMPLETED
    watch.changed([order_id(1)])
    with pytest.raises(Unavailable):
        await watch.run_once()
    await watch.run_once()

    assert await seen(watcher) == b"COMPLETED"


async def test_the_last_sight_is_that_of_an_order_at_rest(watch: OrderWatch, orders: Orders) -> None:
    watcher = await opened(watch)
    orders.statuses[1], orders.ended, orders.at_rest = Status.COMPLETED, {1}, {1}
    watch.changed([order_id(1)])
    await watch.run_once()

    assert await watcher.next(0) == Sight(shown=b"COMPLETED", last=True)


async def test_an_order_that_has_ended_is_watched_a_little_longer_for_its_last_traces(
    watch: OrderWatch, orders: Orders, clock: FakeClock
) -> None:
    watcher = await opened(watch)
    orders.statuses[1], orders.ended = Status.COMPLETED, {1}
    watch.changed([order_id(1)])
    await watch.run_once()
    assert await watcher.next(0) == Sight(shown=b"COMPLETED", last=False)
    clock.advance(max(POLL, order_watch.LINGER_SECONDS))
    await watch.run_once()

    assert await watcher.next(0) == Sight(shown=b"COMPLETED", last=True)


async def test_watchers_have_a_bound_and_those_who_left_make_room(watch: OrderWatch) -> None:
    watchers = [await opened(watch) for _ in range(3)]
    with pytest.raises(Busy):
        await watch.open(order_id(2), ANNA)
    watchers.pop()
    gc.collect()

    assert await seen(await watch.open(order_id(2), ANNA)) == b"CREATED"


async def test_who_leaves_makes_room_at_once_and_the_order_is_let_go(watch: OrderWatch) -> None:
    watchers = [await opened(watch) for _ in range(3)]
    for watcher in watchers:
        watcher.leave()
        watcher.leave()

    assert not watch._watched
    assert await seen(await watch.open(order_id(1), ANNA)) == b"CREATED"


async def test_those_who_come_at_once_look_one_after_the_other(orders: Orders, clock: FakeClock) -> None:
    watch = OrderWatch(
        looking=orders, render=render, ticker=clock, most=50, poll_seconds=POLL, disconnected_poll_seconds=POLL
    )
    orders.held = asyncio.Event()
    opening = [asyncio.create_task(watch.open(order_id(1), ANNA)) for _ in range(50)]
    await eventually(lambda: orders.looking)
    assert orders.looking == order_watch.OPENED_AT_ONCE
    orders.held.set()

    assert len(await asyncio.gather(*opening)) == 50


async def test_an_order_that_nobody_watches_any_more_is_let_go(
    watch: OrderWatch, orders: Orders, clock: FakeClock
) -> None:
    watcher = await opened(watch)
    del watcher
    gc.collect()
    clock.advance(POLL)
    await watch.run_once()

    assert not watch._watched
    assert orders.reads == []


async def test_a_watch_that_is_closed_tells_everybody_and_takes_nobody(watch: OrderWatch) -> None:
    watcher = await opened(watch)
    waiting = asyncio.create_task(watcher.next(60))
    await asyncio.sleep(0)
    watch.close()

    assert await asyncio.wait_for(waiting, 1) is None
    assert watcher.closed
    with pytest.raises(Busy):
        await watch.open(order_id(1), ANNA)


async def test_it_listens_while_somebody_watches_and_a_little_longer(watch: OrderWatch, clock: FakeClock) -> None:
    listens = [watch.watching]
    watcher = await opened(watch)
    clock.advance(order_watch.LISTEN_ON_SECONDS)
    listens.append(watch.watching)
    watcher.leave()
    listens.append(watch.watching)
    clock.advance(order_watch.LISTEN_ON_SECONDS)
    listens.append(watch.watching)

    assert listens == [False, True, True, False]


async def test_the_first_who_watches_wakes_those_who_listen(watch: OrderWatch) -> None:
    assert not watch.begun.is_set()
    watcher = await opened(watch)

    assert watch.begun.is_set()
    assert watch.watching
    del watcher
