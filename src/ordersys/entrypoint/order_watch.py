"""The order watch: however many watch an order, it is read once per change, and many orders in one read.

A watcher holds the newest sight only: one that is slow misses steps, not the end. Which orders changed is told by
`changed`; as that may be lost, every watched order is looked at now and then, more often while `deaf`.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID
from weakref import WeakSet

from ordersys.domain.shared.ids import CustomerId
from ordersys.entrypoint.coalescer import Busy
from ordersys.usecase.orders.views import WorkflowView
from ordersys.usecase.orders.watch_orders import Glance

READ_AT_ONCE: Final = 100
# Clients that all come back at once, as after a restart, must not take the connections that orders need.
OPENED_AT_ONCE: Final = 2
# An order that has ended is watched for its last traces: the capture of the money, the last mark in an inbox.
LINGER_SECONDS: Final = 3.0
# Who watched one order will soon watch another: then its first changes are heard at once.
LISTEN_ON_SECONDS: Final = 60.0


class Looking(Protocol):
    """usecase.orders.watch_orders.WatchOrders."""

    async def first(self, order_id: UUID, customer_id: CustomerId | None) -> Glance: ...
    async def again(self, order_ids: Collection[UUID]) -> Mapping[UUID, Glance]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """An order as its watchers are shown it; after the `last` one there is nothing more to see."""

    shown: bytes
    last: bool


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class Watcher:
    """One of those who watch an order, until it leaves. Whoever only drops it has left when it is collected."""

    order_id: UUID
    left: Callable[["Watcher"], None]
    closed: bool = False
    _newest: Sight | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self, seconds: float) -> Sight | None:
        """The newest sight, if there is one that was not answered before; None when there was none for so long, or the
        watch is closed.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return None
        newest, self._newest = self._newest, None
        if not self.closed:
            self._news.clear()
        return newest

    def see(self, sight: Sight) -> None:
        self._newest = sight
        self._news.set()

    def see_first(self, sight: Sight) -> None:
        """Unless it was shown something meanwhile, which is newer."""
        if self._newest is None:
            self.see(sight)

    def close(self) -> None:
        self.closed = True
        self._news.set()

    def leave(self) -> None:
        self.close()
        self.left(self)


@dataclass(slots=True, kw_only=True)
class _Watched:
    """`shown` is what was seen last; `ended_at`: since when the order is known to have ended."""

    looked_at: float
    watchers: WeakSet[Watcher] = field(default_factory=WeakSet)
    shown: bytes = b""
    ended_at: float | None = None


@dataclass(slots=True, kw_only=True)
class OrderWatch:
    """`render` makes what is shown; `wake` is that of the loop around `run_once`; `most` watchers at one time;
    `poll_seconds` between two looks at an order that nobody told of, `disconnected_poll_seconds` while nobody can tell.
    """

    looking: Looking
    render: Callable[[WorkflowView], bytes]
    ticker: Callable[[], float]
    most: int
    poll_seconds: float
    disconnected_poll_seconds: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _disconnected: bool = True
    _closed: bool = False
    _listen_until: float = float("-inf")
    _watchers: WeakSet[Watcher] = field(default_factory=WeakSet)
    _opening: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OPENED_AT_ONCE))
    # In the order in which they were looked at.
    _watched: dict[UUID, _Watched] = field(default_factory=dict)
    _changed: dict[UUID, None] = field(default_factory=dict)

    @property
    def watching(self) -> bool:
        """Whether anybody watches anything, or did so a moment ago."""
        return not self._closed and (bool(self._watched) or self.ticker() < self._listen_until)

    async def open(self, order_id: UUID, customer_id: CustomerId | None) -> Watcher:
        """It has the first sight already. Raises Busy, OrderNotFound."""
        if self._closed or len(self._watchers) >= self.most:
            raise Busy
        # Before the first look, so that no change is missed behind it.
        watcher = self._enter(order_id)
        try:
            async with self._opening:
                glance = await self.looking.first(order_id, customer_id)
        except BaseException:
            watcher.leave()
            raise
        watcher.see_first(Sight(shown=self.render(glance.flow), last=glance.at_rest))
        return watcher

    def changed(self, order_ids: Iterable[UUID]) -> None:
        """Somebody changed these orders."""
        told = [order_id for order_id in order_ids if order_id in self._watched] if self._watched else ()
        if told:
            self._changed.update(dict.fromkeys(told))
            self.wake.set()

    def disconnected(self, disconnected: bool) -> None:
        """Whether changes cannot be told just now. What was missed meanwhile is looked for."""
        if self._disconnected and not disconnected:
            self.changed(list(self._watched))
        self._disconnected = disconnected

    async def run_once(self) -> int:
        """One read of what changed, or was not looked at for too long. Answers how many orders it showed."""
        now = self.ticker()
        self._choose(now)
        ids = [order_id for order_id, _ in zip(self._changed, range(READ_AT_ONCE), strict=False)]
        if not ids:
            return 0
        # Taken out before they are read: one that changes during the read is read again.
        for order_id in ids:
            del self._changed[order_id]
        try:
            glances = await self.looking.again(ids)
        except BaseException:
            self._changed.update(dict.fromkeys(ids))
            raise
        for order_id in ids:
            self._show(order_id, glances.get(order_id), now)
        return len(ids)

    def close(self) -> None:
        """Nobody can watch any more, and those who do are told so."""
        self._closed = True
        for watcher in list(self._watchers):
            watcher.close()
        self._watched.clear()
        self._changed.clear()

    def _enter(self, order_id: UUID) -> Watcher:
        watcher = Watcher(order_id=order_id, left=self._leave)
        watched = self._watched.setdefault(order_id, _Watched(looked_at=self.ticker()))
        watched.watchers.add(watcher)
        self._watchers.add(watcher)
        self._listen_until = self.ticker() + LISTEN_ON_SECONDS
        self.begun.set()
        return watcher

    def _leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        self._listen_until = self.ticker() + LISTEN_ON_SECONDS
        watched = self._watched.get(watcher.order_id)
        if watched:
            watched.watchers.discard(watcher)
            if not watched.watchers:
                del self._watched[watcher.order_id]
                self._changed.pop(watcher.order_id, None)

    def _choose(self, now: float) -> None:
        """Those that nobody watches any more are let go when their turn comes."""
        until = now - (self.disconnected_poll_seconds if self._disconnected else self.poll_seconds)
        while self._watched:
            order_id, watched = next(iter(self._watched.items()))
            if watched.looked_at > until:
                break
            del self._watched[order_id]
            if watched.watchers:
                self._changed[order_id] = None
                self._looked(order_id, watched, now)
            else:
                self._changed.pop(order_id, None)

    def _show(self, order_id: UUID, glance: Glance | None, now: float) -> None:
        watched = self._watched.pop(order_id, None)
        if watched is None:
            return
        self._looked(order_id, watched, now)
        if glance is None:
            return
        watched.ended_at = (now if watched.ended_at is None else watched.ended_at) if glance.ended else None
        lingered = watched.ended_at is not None and now - watched.ended_at >= LINGER_SECONDS
        sight = Sight(shown=self.render(glance.flow), last=glance.at_rest or lingered)
        if sight.last or sight.shown != watched.shown:
            watched.shown = sight.shown
            for watcher in list(watched.watchers):
                watcher.see(sight)

    def _looked(self, order_id: UUID, watched: _Watched, now: float) -> None:
        watched.looked_at = now
        self._watched[order_id] = watched
