"""How a role runs and ends, with a tiny role in the place of a real one. The signal is a real one."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from structlog.testing import capture_logs

from ordersys.config import HttpSettings, Settings
from ordersys.domain.shared.errors import Unavailable
from ordersys.entrypoint.http.health import Health
from ordersys.entrypoint.http.health_app import HealthApp
from ordersys.entrypoint.runtime import Assembly, DrainOverrun, PortTaken, run
from ordersys.messaging.loop import Loop, SilentObserver
from ordersys.workshop.stack.servers import ports
from tests.waiting import eventually


@dataclass(slots=True, kw_only=True)
class Tiny:
    """A role of one loop and one route, both of which can be held up. `told` says what happened in which order."""

    port: int = field(default_factory=lambda: ports.choose(()))
    free: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)
    takes_requests: bool = False
    leaves: tuple[str, ...] = ("first", "second")
    fail: Exception | None = None

    def __post_init__(self) -> None:
        self.free.set()

    def build(self) -> Assembly:
        self.told.append("built")
        health = Health(role="api", checks={"postgres": self.yes})
        app = (
            Litestar([self.route()], openapi_config=None)
            if self.takes_requests
            else HealthApp(health=health, render=lambda: (b"", "text/plain"))
        )
        return Assembly(
            app=app,
            health=health,
            starting=[self.says("started")],
            loops=[self.loop("loop", self.unit_of_work), self.loop("other", self.idle)],
            leaving=[self.says(f"left {name}") for name in self.leaves],
            takes_requests=self.takes_requests,
        )

    def route(self) -> HTTPRouteHandler:
        @get("/held")
        async def held() -> str:
            await self.hold("request")
            return "answered"

        return held

    def loop(self, name: str, run_once: Callable[[], Awaitable[int]]) -> Loop:
        return Loop(name=name, run_once=run_once, observer=SilentObserver(), wake=asyncio.Event(), busy=0.01, idle=0.01)

    async def yes(self) -> bool:
        return True

    async def idle(self) -> int:
        return 0

    async def unit_of_work(self) -> int:
        if self.fail:
            raise self.fail
        if not self.free.is_set() and not self.takes_requests:
            await self.hold("pass")
        return 0

    async def hold(self, what: str) -> None:
        self.told.append(f"{what} begun")
        await self.free.wait()
        self.told.append(f"{what} ended")

    def says(self, what: str) -> Callable[[], Awaitable[None]]:
        async def say() -> None:
            self.told.append(what)
            if what == "left first" and "away" in self.leaves:
                raise Unavailable("postgres")

        return say

    async def ask(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=5) as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}")

    async def answers(self) -> bool:
        try:
            await self.ask("/health/live")
        except httpx.TransportError:
            return False
        return True


@asynccontextmanager
async def running(tiny: Tiny, *, seconds: float = 5) -> AsyncIterator[asyncio.Task[None]]:
    settings = Settings(http=HttpSettings(port=tiny.port), shutdown_seconds=seconds)
    task = asyncio.create_task(run(tiny.build, settings, "api"))
    started: Callable[[], bool | Awaitable[bool]] = tiny.answers
    await eventually(started, within=10)
    try:
        yield task
    finally:
        tiny.free.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def terminate(number: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """`run` takes the signals over for its process; here the process is pytest's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_role_in_order(number: signal.Signals) -> None:
    tiny = Tiny()
    async with running(tiny) as task:
        terminate(number)
        await asyncio.wait_for(task, 5)

    assert tiny.told == ["built", "started", "left first", "left second"]


async def test_a_request_under_way_is_answered_and_no_other_is_taken() -> None:
    tiny = Tiny(takes_requests=True)
    async with running(tiny) as task:
        tiny.free.clear()
        held = asyncio.create_task(tiny.ask("/held"))
        await eventually(lambda: "request begun" in tiny.told)
        terminate()
        refused: Callable[[], bool | Awaitable[bool]] = _refusing(tiny)
        await eventually(refused, what="the port is closed")
        tiny.free.set()
        answer = await held
        await asyncio.wait_for(task, 5)

    assert (answer.status_code, answer.text) == (200, "answered")
    assert tiny.told[-4:] == ["request begun", "request ended", "left first", "left second"]


def _refusing(tiny: Tiny) -> Callable[[], Awaitable[bool]]:
    async def refuses() -> bool:
        return not await tiny.answers()

    return refuses


async def test_a_pass_under_way_is_finished_while_the_role_says_that_it_drains() -> None:
    tiny = Tiny()
    async with running(tiny) as task:
        assert (await tiny.ask("/health/ready")).status_code == 200
        tiny.free.clear()
        await eventually(lambda: "pass begun" in tiny.told)
        terminate()
        ready: Callable[[], bool | Awaitable[bool]] = _draining(tiny)
        await eventually(ready, what="not ready")
        assert (await tiny.ask("/health/live")).status_code == 200
        assert not task.done()
        tiny.free.set()
        await asyncio.wait_for(task, 5)

    assert tiny.told[-3:] == ["pass ended", "left first", "left second"]


def _draining(tiny: Tiny) -> Callable[[], Awaitable[bool]]:
    async def draining() -> bool:
        answer = await tiny.ask("/health/ready")
        return answer.status_code == 503 and bool(answer.json()["draining"])

    return draining


async def test_what_does_not_finish_in_time_is_an_overrun() -> None:
    tiny = Tiny()
    async with running(tiny, seconds=0.2) as task:
        tiny.free.clear()
        await eventually(lambda: "pass begun" in tiny.told)
        terminate()
        with pytest.raises(DrainOverrun, match=r"within 0\.2 s"):
            await asyncio.wait_for(task, 5)

    assert "left first" not in tiny.told


async def test_a_loop_that_fails_ends_the_role_in_order_and_with_its_error() -> None:
    tiny = Tiny()
    with capture_logs() as lines:
        async with running(tiny) as task:
            tiny.fail = ZeroDivisionError("a bug")
            with pytest.raises(ZeroDivisionError, match="a bug"):
                await asyncio.wait_for(task, 5)

    assert tiny.told[-2:] == ["left first", "left second"]
    assert [line["loop"] for line in lines if line["log_level"] == "error"] == ["loop"]


async def test_a_loop_that_fails_does_not_cut_another_one_short() -> None:
    tiny = Tiny(fail=ZeroDivisionError("a bug"))
    finished = []

    async def slow() -> int:
        await tiny.free.wait()
        finished.append("slow")
        return 0

    def build() -> Assembly:
        assembly = tiny.build()
        assembly.loops.insert(0, tiny.loop("slow", slow))
        return assembly

    tiny.free.clear()
    settings = Settings(http=HttpSettings(port=tiny.port))
    with capture_logs() as lines:
        task = asyncio.create_task(run(build, settings, "api"))
        await eventually(lambda: any(line["event"] == "a loop failed" for line in lines))
        tiny.free.set()
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(task, 5)

    assert finished == ["slow"]


async def test_what_cannot_be_left_in_order_keeps_nothing_else_from_being_left() -> None:
    tiny = Tiny(leaves=("first", "away", "third"))
    with capture_logs() as lines:
        async with running(tiny) as task:
            terminate()
            await asyncio.wait_for(task, 5)

    assert tiny.told[-3:] == ["left first", "left away", "left third"]
    assert [line["reason"] for line in lines if line.get("action") == "role.left"] == ["postgres cannot be reached"]


async def test_a_taken_port_is_told_before_anything_is_built() -> None:
    tiny = Tiny()
    told = rf"api cannot listen on 127\.0\.0\.1:{tiny.port}: Address already in use"
    with socket.create_server(("127.0.0.1", tiny.port)), pytest.raises(PortTaken, match=told):
        await run(tiny.build, Settings(http=HttpSettings(port=tiny.port)), "api")

    assert tiny.told == []


async def test_start_and_end_are_told_once() -> None:
    tiny = Tiny()
    with capture_logs() as lines:
        async with running(tiny) as task:
            terminate()
            await asyncio.wait_for(task, 5)

    assert [(line["action"], line.get("port")) for line in lines] == [
        ("role.started", tiny.port),
        ("role.stopped", None),
    ]
