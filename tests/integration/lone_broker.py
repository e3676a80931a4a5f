"""A broker that speaks just enough of Kafka's protocol to tell who the brokers are: itself, or nobody.

Apache Kafka tells of nobody for moments while it starts or stops, which cannot be had on cue. Whoever asks then is hung
up on, as by a broker that goes away.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from struct import pack, unpack
from typing import Final

from tests.waiting import eventually

METADATA, FIND_COORDINATOR, API_VERSIONS = 3, 10, 18
# The newest that we speak of each API, from 0 on. Those of the others are said and not kept: they are never answered.
SPOKEN: Final = {METADATA: 4, FIND_COORDINATOR: 0, API_VERSIONS: 3}
PROMISED: Final = SPOKEN | {0: 8, 1: 11, 2: 5, 8: 7, 9: 7, 11: 5, 12: 3, 13: 1, 14: 3, 22: 2}
LEADER_NOT_AVAILABLE, COORDINATOR_NOT_AVAILABLE = 5, 15
NODE: Final = 1


@dataclass(slots=True, kw_only=True)
class LoneBroker:
    topic: str
    port: int = 0
    _there: bool = True
    asked: int = 0
    """How often somebody wanted to know who the brokers are."""
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def tell_of_itself(self) -> None:
        self._there = True

    def tell_of_nobody(self) -> None:
        """And ends all connections, so that everybody asks."""
        self._there = False
        for connection in self._connections:
            connection.transport.abort()

    async def end(self) -> None:
        """Returns when nobody is connected."""
        self.tell_of_nobody()
        await eventually(lambda: not self._connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                await writer.drain()
        self._connections.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        (size,) = unpack(">i", await reader.readexactly(4))
        api, version, correlation = unpack(">hhi", (await reader.readexactly(size))[:8])
        if api not in SPOKEN:
            return True
        body = pack(">i", correlation) + self._body(api, version)
        writer.write(pack(">i", len(body)) + body)
        return self._there or api != METADATA

    def _body(self, api: int, version: int) -> bytes:
        if api == API_VERSIONS:
            return _versions(version)
        if api == FIND_COORDINATOR:
            return pack(">hi", COORDINATOR_NOT_AVAILABLE, -1) + _text("") + pack(">i", -1)
        return self._metadata()

    def _metadata(self) -> bytes:
        """Version 4, of our topic whatever was asked."""
        self.asked += 1
        brokers = [pack(">i", NODE) + _text("127.0.0.1") + pack(">ih", self.port, -1)] * self._there
        partition = pack(">hiiiiii", 0, 0, NODE, 1, NODE, 1, NODE)
        error = 0 if self._there else LEADER_NOT_AVAILABLE
        topic = pack(">h", error) + _text(self.topic) + b"\0" + _array([partition] * self._there)
        throttled, controller = pack(">i", 0), pack(">i", NODE if self._there else -1)
        return throttled + _array(brokers) + _text("a-cluster") + controller + _array([topic])


def _versions(version: int) -> bytes:
    ranges = [pack(">hhh", api, 0, newest) for api, newest in PROMISED.items()]
    if version < SPOKEN[API_VERSIONS]:
        return pack(">h", 0) + _array(ranges) + pack(">i", 0) * (version > 0)
    # With tagged fields, of which there are none, and lengths that count from one.
    return pack(">hB", 0, len(ranges) + 1) + b"".join(one + b"\0" for one in ranges) + pack(">ib", 0, 0)


def _text(value: str) -> bytes:
    return pack(">h", len(value)) + value.encode()


def _array(items: list[bytes]) -> bytes:
    return pack(">i", len(items)) + b"".join(items)


@asynccontextmanager
async def lone_broker(topic: str) -> AsyncIterator[LoneBroker]:
    broker = LoneBroker(topic=topic)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        await broker.end()
