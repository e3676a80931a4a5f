"""The order watch: however many clients watch an order, it is read once per change, and many orders in one read.

A watcher holds the latest update only: a slow one misses steps, but never the end. `changed` reports which orders have
changed; as a report may be lost, every watched order is read again now and then, more often while disconnected.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID
from weakref import WeakSet

from ordersys.domain.shared.ids import CustomerId
from ordersys.entrypoint.coalescer import Busy
from ordersys.usecase.orders.views import WorkflowView
from ordersys.usecase.orders.watch_orders import WatchedWorkflow, WatchOrders

MAX_ORDERS_PER_READ: Final = 100
# Clients that all come back at once, as after a restart, must not take the connections that orders need.
MAX_OPENING: Final = 2
# An order that has ended is watched for its last changes: the capture of the money, the last mark in an inbox.
LINGER_SECONDS: Final = 3.0
# A client that watched one order will soon watch another: its first changes are then reported without a delay.
STAY_SUBSCRIBED_SECONDS: Final = 60.0

WorkflowRenderer = Callable[[WorkflowView], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """A rendered workflow. No other update follows the `last` one."""

    rendered: bytes
    last: bool


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class Watcher:
    """A client that watches an order, until it stops. A watcher that is dropped stops when it is collected."""

    order_id: UUID
    render: WorkflowRenderer
    on_stop: Callable[["Watcher"], None]
    closed: bool = False
    _latest: OrderUpdate | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self, seconds: float) -> OrderUpdate | None:
        """Returns the latest update, once. Returns None if none arrives in time, or if the watch closes."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return None
        latest, self._latest = self._latest, None
        if not self.closed:
            self._arrived.clear()
        return latest

    def deliver(self, update: OrderUpdate) -> None:
        self._latest = update
        self._arrived.set()

    def deliver_first(self, update: OrderUpdate) -> None:
        """An update that was delivered meanwhile is newer and stays."""
        if self._latest is None:
            self.deliver(update)

    def close(self) -> None:
        self.closed = True
        self._arrived.set()

    def stop(self) -> None:
        self.close()
        self.on_stop(self)


@dataclass(slots=True, kw_only=True)
class _WatchedOrder:
    """`rendered`: the last state, by the function that rendered it. `ended_at`: when it was first read as ended."""

    read_at: float
    watchers: WeakSet[Watcher] = field(default_factory=WeakSet)
    rendered: dict[WorkflowRenderer, bytes] = field(default_factory=dict)
    ended_at: float | None = None


@dataclass(slots=True, kw_only=True)
class OrderWatch:
    """`wake` belongs to the loop around `run_once`. An order without a reported change is read again after
    `poll_seconds`, or `disconnected_poll_seconds` while changes cannot be reported.
    """

    orders: WatchOrders
    ticker: Callable[[], float]
    max_watchers: int
    poll_seconds: float
    disconnected_poll_seconds: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _disconnected: bool = True
    _closed: bool = False
    _subscribed_until: float = float("-inf")
    _watchers: WeakSet[Watcher] = field(default_factory=WeakSet)
    _opening: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_OPENING))
    # In the order in which they were read.
    _watched: dict[UUID, _WatchedOrder] = field(default_factory=dict)
    _changed: dict[UUID, None] = field(default_factory=dict)

    @property
    def watching(self) -> bool:
        """Whether an order is watched, or was a moment ago."""
        return not self._closed and (bool(self._watched) or self.ticker() < self._subscribed_until)

    async def open(self, order_id: UUID, customer_id: CustomerId | None, render: WorkflowRenderer) -> Watcher:
        """Returns a watcher that has its first update. Raises Busy, OrderNotFound."""
        if self._closed or len(self._watchers) >= self.max_watchers:
            raise Busy
        # Before the first read, so that no later change is missed.
        watcher = self._add(order_id, render)
        try:
            async with self._opening:
                found = await self.orders.read(order_id, customer_id)
        except BaseException:
            watcher.stop()
            raise
        watcher.deliver_first(OrderUpdate(rendered=render(found.workflow), last=found.at_rest))
        return watcher

    def changed(self, order_ids: Iterable[UUID]) -> None:
        """Reports that these orders have changed."""
        watched = [order_id for order_id in order_ids if order_id in self._watched] if self._watched else ()
        if watched:
            self._changed.update(dict.fromkeys(watched))
            self.wake.set()

    def disconnected(self, disconnected: bool) -> None:
        """Whether changes cannot be reported now. After a reconnection every watched order is read."""
        if self._disconnected and not disconnected:
            self.changed(list(self._watched))
        self._disconnected = disconnected

    async def run_once(self) -> int:
        """Reads the orders that changed or were not read for too long. Returns their number."""
        now = self.ticker()
        self._select_overdue(now)
        ids = [order_id for order_id, _ in zip(self._changed, range(MAX_ORDERS_PER_READ), strict=False)]
        if not ids:
            return 0
        # Removed before the read: an order that changes during the read is read again.
        for order_id in ids:
            del self._changed[order_id]
        try:
            found = await self.orders.read_again(ids)
        except BaseException:
            self._changed.update(dict.fromkeys(ids))
            raise
        for order_id in ids:
            self._deliver(order_id, found.get(order_id), now)
        return len(ids)

    def close(self) -> None:
        """Ends every watcher, and accepts no other."""
        self._closed = True
        for watcher in list(self._watchers):
            watcher.close()
        self._watched.clear()
        self._changed.clear()

    def _add(self, order_id: UUID, render: WorkflowRenderer) -> Watcher:
        watcher = Watcher(order_id=order_id, render=render, on_stop=self._remove)
        watched = self._watched.setdefault(order_id, _WatchedOrder(read_at=self.ticker()))
        watched.watchers.add(watcher)
        self._watchers.add(watcher)
        self._subscribed_until = self.ticker() + STAY_SUBSCRIBED_SECONDS
        self.begun.set()
        return watcher

    def _remove(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        self._subscribed_until = self.ticker() + STAY_SUBSCRIBED_SECONDS
        watched = self._watched.get(watcher.order_id)
        if watched:
            watched.watchers.discard(watcher)
            if not watched.watchers:
                del self._watched[watcher.order_id]
                self._changed.pop(watcher.order_id, None)

    def _select_overdue(self, now: float) -> None:
        """Orders whose watchers are all gone are dropped here."""
        until = now - (self.disconnected_poll_seconds if self._disconnected else self.poll_seconds)
        while self._watched:
            order_id, watched = next(iter(self._watched.items()))
            if watched.read_at > until:
                break
            del self._watched[order_id]
            if watched.watchers:
                self._changed[order_id] = None
                self._mark_read(order_id, watched, now)
            else:
                self._changed.pop(order_id, None)

    def _deliver(self, order_id: UUID, found: WatchedWorkflow | None, now: float) -> None:
        watched = self._watched.pop(order_id, None)
        if watched is None:
            return
        self._mark_read(order_id, watched, now)
        if found is None:
            return
        watched.ended_at = (now if watched.ended_at is None else watched.ended_at) if found.ended else None
        lingered = watched.ended_at is not None and now - watched.ended_at >= LINGER_SECONDS
        watchers, before = list(watched.watchers), watched.rendered
        watched.rendered = {render: render(found.workflow) for render in {watcher.render for watcher in watchers}}
        for watcher in watchers:
            update = OrderUpdate(rendered=watched.rendered[watcher.render], last=found.at_rest or lingered)
            if update.last or update.rendered != before.get(watcher.render):
                watcher.deliver(update)

    def _mark_read(self, order_id: UUID, watched: _WatchedOrder, now: float) -> None:
        watched.read_at = now
        self._watched[order_id] = watched
