"""Notifications between processes about changed orders. A message is a sequence of 16-byte order ids.

Delivery is best effort: a subscriber that is not connected misses notifications, and polls as well.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from ordersys.domain.shared.errors import Unavailable
from ordersys.messaging.loop import LoopObserver

ID_BYTES: Final = 16
MOST_WAITING: Final = 20_000
# The pause before the next message; changes in the meantime share it. Without listeners there is no hurry.
LISTENED_SECONDS: Final = 0.02
UNHEARD_SECONDS: Final = 0.1
AWAY_SECONDS: Final = 1.0
RECEIVE_SECONDS: Final = 0.25
SENDING: Final = "order-signals"


class Channel(Protocol):
    """A publish/subscribe channel without storage. Every call may raise Unavailable."""

    async def publish(self, message: bytes) -> int:
        """Returns the number of subscribers that received the message."""
        ...

    async def subscribe(self) -> None:
        """Returns when every later message will be received. Does nothing if already subscribed."""
        ...

    async def receive(self, seconds: float) -> Sequence[bytes]:
        """Returns the messages since the last call; waits up to `seconds` for the first one."""
        ...

    async def unsubscribe(self) -> None: ...

    async def close(self) -> None: ...


OpenChannel = Callable[[], Awaitable[Channel]]


@dataclass(slots=True, kw_only=True)
class OrderNotifier:
    """Implements messaging.unit_of_work.Notifier: at most one message is in flight; later changes share the next one.

    `open` is called at the first notification.
    """

    open: OpenChannel
    observer: LoopObserver
    _channel: Channel | None = None
    _waiting: set[UUID] = field(default_factory=set)
    _sending: "asyncio.Task[None] | None" = None
    _away: bool = False
    _closed: bool = False

    def notify(self, order_ids: Iterable[UUID]) -> None:
        if self._closed or len(self._waiting) >= MOST_WAITING:
            return
        self._waiting.update(order_ids)
        if self._waiting and self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Pending notifications are dropped."""
        self._closed = True
        if self._sending:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._channel:
            await self._channel.close()

    async def _send(self) -> None:
        try:
            while self._waiting:
                changed, self._waiting = self._waiting, set()
                await asyncio.sleep(await self._publish(changed))
        finally:
            # In the same step as the last check of `_waiting`: ids added in between would never be sent.
            self._sending = None

    async def _publish(self, order_ids: Iterable[UUID]) -> float:
        """Returns the seconds to wait before the next message."""
        channel = self._channel = self._channel or await self.open()
        try:
            listeners = await channel.publish(b"".join(order_id.bytes for order_id in order_ids))
        except Unavailable as error:
            if not self._away:
                self.observer.unavailable(SENDING, error)
            self._away = True
            return AWAY_SECONDS
        if self._away:
            self._away = False
            self.observer.recovered(SENDING)
        return LISTENED_SECONDS if listeners else UNHEARD_SECONDS


class Subscriber(Protocol):
    """Receives the notifications of this process. `disconnected`: whether notifications cannot arrive now."""

    @property
    def watching(self) -> bool: ...
    def changed(self, order_ids: Iterable[UUID]) -> None: ...
    def disconnected(self, disconnected: bool) -> None: ...


@dataclass(slots=True, kw_only=True)
class NotificationReader:
    """Receives notifications while the subscriber wants them."""

    open: OpenChannel
    subscriber: Subscriber
    _channel: Channel | None = None

    async def run_once(self) -> int:
        """Passes on what arrives within a moment. Returns 1 while subscribed, else 0. Raises Unavailable."""
        if not self.subscriber.watching:
            await self._unsubscribe()
            return 0
        channel = self._channel = self._channel or await self.open()
        try:
            await channel.subscribe()
            self.subscriber.disconnected(False)
            for message in await channel.receive(RECEIVE_SECONDS):
                self.subscriber.changed(_ids(message))
        except Unavailable:
            await self._unsubscribe()
            raise
        return 1

    async def close(self) -> None:
        if self._channel:
            await self._channel.close()

    async def _unsubscribe(self) -> None:
        self.subscriber.disconnected(True)
        if self._channel:
            await self._channel.unsubscribe()


def _ids(message: bytes) -> Iterator[UUID]:
    """Yields the ids in a message. Anyone may publish; an id of no order matches no watcher."""
    for start in range(0, len(message) - ID_BYTES + 1, ID_BYTES):
        yield UUID(bytes=message[start : start + ID_BYTES])
