"""The load generator against a server whose behaviour is known."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from benchmarks.generator import Outcome, Plan
from tests.architecture.places import ROOT

ANSWER = b'HTTP/1.1 201 Created\r\ncontent-length: 46\r\n\r\n{"id":"00000000-0000-7000-8000-000000000001" }'


class Shop:
    """Answers at once; `before` is awaited for each request and may close the connection by answering False."""

    def __init__(self, before: Callable[[int], Any]) -> None:
        self.before = before
        self.keys: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
                await reader.readexactly(int(lines[b"Content-Length"]))
                self.keys.append(lines[b"Idempotency-Key"])
                if await self.before(len(self.keys)) is False:
                    break
                # In two pieces, as answers may come.
                writer.write(ANSWER[:60])
                await writer.drain()
                writer.write(ANSWER[60:])
        writer.close()


@asynccontextmanager
async def shop(before: Callable[[int], Any]) -> AsyncIterator[tuple[Shop, int]]:
    it = Shop(before)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    try:
        yield it, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def outcome(port: int, **how: Any) -> Outcome:
    plan = Plan(port=port, tokens=["t"], flights=["f"], run="r", warm=0.1, **how)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.generator", cwd=ROOT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate(msgspec.json.encode(plan) + b"\n")
    begin, end, found = told.splitlines()
    assert (begin, end) == (b"begin", b"end")
    return msgspec.json.decode(found, type=Outcome)


async def at_once(_: int) -> None:
    pass


async def test_a_closed_loop_sends_a_new_key_with_every_request() -> None:
    async with shop(at_once) as (there, port):
        found = await outcome(port, loop="closed", seconds=0.3, connections=4)

    assert found.good > 20
    assert found.bad == {}
    assert len(set(there.keys)) == len(there.keys)


async def test_a_lost_connection_is_an_answer_that_did_not_come() -> None:
    async def third_is_lost(number: int) -> bool:
        return number % 3 != 0

    async with shop(third_is_lost) as (_, port):
        found = await outcome(port, loop="closed", seconds=0.3, connections=4)

    assert found.good > 0
    assert found.bad[0] > 0


async def test_an_open_loop_counts_from_the_moment_a_request_was_due() -> None:
    """A stall of the server is in the latency of everything that was due meanwhile."""
    stalled = asyncio.Event()

    async def stall(number: int) -> None:
        if number == 20:
            asyncio.get_running_loop().call_later(0.3, stalled.set)
        if number >= 20:
            await stalled.wait()

    async with shop(stall) as (_, port):
        found = await outcome(port, loop="open", rate=100, seconds=0.6, connections=1)

    assert found.answers == {201: pytest.approx(60, abs=2)}
    assert found.most > 250
    assert found.p50 < 250
