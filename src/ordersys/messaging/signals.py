"""Which orders were changed, told from process to process: a message is some ids, one after the other.

Best effort by nature: who is not listening just then hears nothing, and looks by itself now and then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from ordersys.domain.shared.errors import Unavailable
from ordersys.messaging.loop import LoopWatch

ID_BYTES: Final = 16
MOST_WAITING: Final = 20_000
# Until the next message at the earliest: what is told meanwhile shares it. There is no hurry when nobody listens.
LISTENED_SECONDS: Final = 0.02
UNHEARD_SECONDS: Final = 0.1
AWAY_SECONDS: Final = 1.0
HEAR_SECONDS: Final = 0.25
SENDING: Final = "order-signals"


class Channel(Protocol):
    """One channel of a server that forgets. Every call raises Unavailable."""

    async def publish(self, message: bytes) -> int:
        """Answers how many listen."""
        ...

    async def join(self) -> None:
        """Returns when nothing that is published from now on is missed; nothing to do when it has joined already."""
        ...

    async def hear(self, seconds: float) -> Sequence[bytes]:
        """What came since it joined; waits so long for the first message."""
        ...

    async def leave(self) -> None: ...

    async def close(self) -> None: ...


Opening = Callable[[], Awaitable[Channel]]


@dataclass(slots=True, kw_only=True)
class OrderSignals:
    """Implements messaging.work.Watchers: at most one message is under way, and what is told meanwhile is the next.

    `open` is called when there is something to tell for the first time.
    """

    open: Opening
    watch: LoopWatch
    _channel: Channel | None = None
    _waiting: set[UUID] = field(default_factory=set)
    _sending: "asyncio.Task[None] | None" = None
    _away: bool = False
    _closed: bool = False

    def tell(self, order_ids: Iterable[UUID]) -> None:
        if self._closed or len(self._waiting) >= MOST_WAITING:
            return
        self._waiting.update(order_ids)
        if self._waiting and self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """What still waits is not sent."""
        self._closed = True
        if self._sending:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._channel:
            await self._channel.close()

    async def _send(self) -> None:
        try:
            while self._waiting:
                told, self._waiting = self._waiting, set()
                await asyncio.sleep(await self._publish(told))
        finally:
            # In the same step as the last look at what waits: what came in between would wait for ever.
            self._sending = None

    async def _publish(self, order_ids: Iterable[UUID]) -> float:
        """Answers how long to wait before the next message."""
        channel = self._channel = self._channel or await self.open()
        try:
            listeners = await channel.publish(b"".join(order_id.bytes for order_id in order_ids))
        except Unavailable as error:
            if not self._away:
                self.watch.lost(SENDING, error)
            self._away = True
            return AWAY_SECONDS
        if self._away:
            self._away = False
            self.watch.back(SENDING)
        return LISTENED_SECONDS if listeners else UNHEARD_SECONDS


class Audience(Protocol):
    """Those who watch orders in this process. `deaf`: whether changes cannot be told to them just now."""

    @property
    def watching(self) -> bool: ...
    def changed(self, order_ids: Iterable[UUID]) -> None: ...
    def deaf(self, deaf: bool) -> None: ...


@dataclass(slots=True, kw_only=True)
class SignalReader:
    """Listens while somebody in this process watches."""

    open: Opening
    audience: Audience
    _channel: Channel | None = None

    async def run_once(self) -> int:
        """Hears what comes within a moment. Answers whether it listens. Raises Unavailable."""
        if not self.audience.watching:
            await self._leave()
            return 0
        channel = self._channel = self._channel or await self.open()
        try:
            await channel.join()
            self.audience.deaf(False)
            for message in await channel.hear(HEAR_SECONDS):
                self.audience.changed(_ids(message))
        except Unavailable:
            await self._leave()
            raise
        return 1

    async def close(self) -> None:
        if self._channel:
            await self._channel.close()

    async def _leave(self) -> None:
        self.audience.deaf(True)
        if self._channel:
            await self._channel.leave()


def _ids(message: bytes) -> Iterator[UUID]:
    """Anybody may publish: an id that is none is one that nobody watches."""
    for start in range(0, len(message) - ID_BYTES + 1, ID_BYTES):
        yield UUID(bytes=message[start : start + ID_BYTES])
