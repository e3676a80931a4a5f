"""The relay's doorbell: while the outbox is quiet, whoever commits something rings, and the relay looks less often.

Best effort, as all signals are: what nobody rings for is found by the next look.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from ordersys.messaging.relay import Ticker

QUIET_SECONDS: Final = 1.0


@dataclass(slots=True, kw_only=True)
class Doorbell:
    """Stands before the passes of a relay, and is the Audience of a SignalReader: it listens when nothing was found for
    a second. `wake` is the relay's loop's, `begun` the reader's. Between two passes are at most `idle` seconds, and
    `deaf_idle` while nobody can ring.
    """

    relay: Callable[[], Awaitable[int]]
    ticker: Ticker
    idle: float
    deaf_idle: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _deaf: bool = True
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
        elif self._deaf and self.watching:
            self.begun.set()
        return sent

    def pause(self) -> float:
        return self.deaf_idle if self._deaf else self.idle

    def changed(self, order_ids: Iterable[UUID]) -> None:
        self.wake.set()

    def deaf(self, deaf: bool) -> None:
        if self._deaf and not deaf:
            self.wake.set()  # for what was committed before it could hear
        self._deaf = deaf
