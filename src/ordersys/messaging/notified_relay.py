"""The relay, woken by notifications: while the outbox is quiet, each commit wakes it, and it polls less often.

Notifications are best effort; a row without one is found by the next poll.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from ordersys.messaging.relay import Ticker

QUIET_SECONDS: Final = 1.0


@dataclass(slots=True, kw_only=True)
class NotifiedRelay:
    """Runs the passes of a relay, and subscribes to notifications once the outbox has been quiet for a second.

    `wake` belongs to the relay's loop, `begun` to the reader's. Between two passes are at most `idle` seconds, and
    `disconnected_idle` while no notification can arrive.
    """

    relay: Callable[[], Awaitable[int]]
    ticker: Ticker
    idle: float
    disconnected_idle: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _disconnected: bool = True
    _worked_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._worked_at = self.ticker()

    @property
    def watching(self) -> bool:
        return self.ticker() - self._worked_at >= QUIET_SECONDS

    async def run_once(self) -> int:
        sent = await self.relay()
        if sent:
            self._worked_at = self.ticker()
        elif self._disconnected and self.watching:
            self.begun.set()
        return sent

    def pause(self) -> float:
        return self.disconnected_idle if self._disconnected else self.idle

    def changed(self, order_ids: Iterable[UUID]) -> None:
        self.wake.set()

    def disconnected(self, disconnected: bool) -> None:
        if self._disconnected and not disconnected:
            self.wake.set()  # for rows committed before the subscription
        self._disconnected = disconnected
