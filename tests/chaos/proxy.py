"""A TCP proxy in front of PostgreSQL that can cut a connection at its COMMIT.

It reads just enough of the frontend protocol to see a COMMIT go by (a simple query; that is how asyncpg ends a
transaction) and the application's name. While it is armed, a COMMIT costs its connection: `before` it reaches the
server, so nothing happened, or `after` the server said that it is done, so everything happened and only the answer
is lost. https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

Side = Literal["before", "after"]

HOST: Final = "127.0.0.1"
SSL_REQUEST: Final = 80_877_103
GSS_REQUEST: Final = 80_877_104
CANCEL_REQUEST: Final = 80_877_102
QUERY: Final = ord("Q")
LARGEST: Final = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """`who` is the application_name of the connection that was cut."""

    side: Side
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A whole message as it came; `kind` is 0 for those before and including the startup packet."""

    kind: int
    data: bytes

    @property
    def is_commit(self) -> bool:
        return self.kind == QUERY and self.data[5:].lstrip()[:6].upper() == b"COMMIT"


@dataclass(slots=True)
class Frames:
    """Cuts what a client sends into messages; the rest of an unfinished one waits for more."""

    started: bool = False
    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._rest += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        head = 1 if self.started else 0
        if len(self._rest) < head + 4:
            return None
        size = head + int.from_bytes(self._rest[head : head + 4])
        if not head + 4 <= size <= LARGEST:
            raise ValueError("this is not PostgreSQL's protocol")
        if len(self._rest) < size:
            return None
        frame = Frame(kind=self._rest[0] if self.started else 0, data=bytes(self._rest[:size]))
        del self._rest[:size]
        if not self.started:
            code = int.from_bytes(frame.data[4:8])
            self.started = code not in (SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST)
        return frame


def application(startup: bytes) -> str:
    """The application_name of a startup packet."""
    words = startup[8:].split(b"\0")
    named = dict(zip(words[::2], words[1::2], strict=False))
    return named.get(b"application_name", b"").decode(errors="replace")


@dataclass(slots=True, kw_only=True)
class Proxy:
    """`upstream` answers PostgreSQL's port, for each connection anew: the server may come back elsewhere."""

    upstream: Callable[[], int]
    cuts: list[Cut] = field(default_factory=list)
    armed: Counter[Side] = field(default_factory=Counter)
    clients: "set[_Client]" = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), HOST, 0)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for client in tuple(self.clients):
                client.abort()
            await self._server.wait_closed()

    def arm(self, side: Side, count: int) -> None:
        """The next so many COMMITs are cut."""
        self.armed[side] += count

    def disarm(self) -> None:
        self.armed.clear()

    def take(self, who: str) -> Side | None:
        """What becomes of this COMMIT."""
        side = next((side for side, left in self.armed.items() if left > 0), None)
        if side is not None:
            self.armed[side] -= 1
            if side == "before":
                self.cuts.append(Cut(side=side, who=who))
        return side

    def committed(self, who: str) -> None:
        """The server has done it, and nobody will hear of it."""
        self.cuts.append(Cut(side="after", who=who))


class _Pipe(asyncio.Protocol):
    """One end of a connection; when it goes, the other goes, too."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Pipe | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def abort(self) -> None:
        for end in (self, self.other):
            if end is not None and end.transport is not None:
                end.transport.abort()


class _Client(_Pipe):
    """The role's end."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self.proxy = proxy
        self.frames = Frames()
        self.who = ""
        self._early = bytearray()
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.proxy.clients.add(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.proxy.clients.discard(self)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, server = await loop.create_connection(lambda: _Upstream(self), HOST, self.proxy.upstream())
        except OSError:
            self.abort()
            return
        self.other = server
        if self.transport is None:
            self.abort()
        early, self._early = bytes(self._early), bytearray()
        self._forward(early)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data
        else:
            self._forward(data)

    def _forward(self, data: bytes) -> None:
        assert isinstance(self.other, _Upstream)
        whole = bytearray()
        for frame in self.frames.feed(data):
            if frame.kind == 0 and self.frames.started:
                self.who = application(frame.data)
            side = self.proxy.take(self.who) if frame.is_commit else None
            if side == "before":
                self.abort()
                return
            whole += frame.data
            if side == "after":
                self.other.deaf = True
        if whole:
            self.other.send(bytes(whole))


class _Upstream(_Pipe):
    """PostgreSQL's end. `deaf`: it has a COMMIT whose answer nobody shall get."""

    def __init__(self, client: _Client) -> None:
        super().__init__()
        self.other = client
        self.deaf = False

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.other, _Client)
        if not self.deaf:
            self.other.send(data)
        elif b"COMMIT\0" in data:
            self.other.proxy.committed(self.other.who)
            self.abort()
        else:
            # Refused or rolled back: that is no lost answer.
            self.deaf = False
            self.other.send(data)
