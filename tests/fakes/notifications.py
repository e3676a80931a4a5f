"""The Channel port in memory; tests/contract/test_channel.py holds it to what Redis does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ordersys.domain.shared.errors import Unavailable
from tests.waiting import eventually


@dataclass(slots=True, kw_only=True)
class FakeServer:
    """What is published on the channel, and who listens to it. `away` makes every call fail."""

    published: list[bytes] = field(default_factory=list)
    listening: "list[FakeChannel]" = field(default_factory=list)
    away: bool = False

    def answer(self) -> None:
        if self.away:
            raise Unavailable("redis")


@dataclass(slots=True, kw_only=True, eq=False)
class FakeChannel:
    server: FakeServer
    heard: list[bytes] = field(default_factory=list)
    closed: bool = False

    async def publish(self, message: bytes) -> int:
        self.server.answer()
        self.server.published.append(message)
        for one in self.server.listening:
            one.heard.append(message)
        return len(self.server.listening)

    async def subscribe(self) -> None:
        self.server.answer()
        if self not in self.server.listening:
            self.server.listening.append(self)

    async def receive(self, seconds: float) -> Sequence[bytes]:
        self.server.answer()
        try:
            await eventually(lambda: self.heard, within=seconds)
        except AssertionError:
            return []
        heard, self.heard = self.heard, []
        return heard

    async def unsubscribe(self) -> None:
        if self in self.server.listening:
            self.server.listening.remove(self)

    async def close(self) -> None:
        await self.unsubscribe()
        self.closed = True
