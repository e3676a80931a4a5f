"""Runs one role: its HTTP server and its loops in one event loop, until a signal; then drains it within a deadline.

Order of the end: not ready any more -> no new work is taken -> what is under way is finished and committed -> leave.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import uvicorn
from litestar import Litestar

from ordersys.config import ROLE_PORTS, HttpSettings, Role, Settings
from ordersys.domain.shared.errors import DomainError
from ordersys.entrypoint.http.health_routes import Health
from ordersys.messaging.loop import Loop

log = structlog.get_logger()
BACKLOG: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of a role. `starting` is awaited before the loops, `leaving` after them, each in order."""

    app: Litestar
    health: Health
    loops: list[Loop]
    starting: Sequence[Callable[[], Awaitable[Any]]] = ()
    leaving: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)


class DrainOverrun(RuntimeError):
    """Something did not finish within `shutdown_seconds`; it is safe to repeat, so the process ends all the same."""


class PortTaken(RuntimeError):
    """The HTTP port cannot be bound."""


class _Server(uvicorn.Server):
    """The process, not the server, owns the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(assembly: Assembly, settings: Settings, role: Role) -> None:
    """Raises what ended a loop, DrainOverrun, or PortTaken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listener = _listen(settings.http, role)
    server = _server(assembly.app, settings)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    working = asyncio.create_task(_work(assembly, stop))
    log.info("started", action="role.started", role=role, port=listener.getsockname()[1])
    await asyncio.wait({serving, working, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    assembly.health.draining = True
    server.should_exit = True
    await _drain(assembly, serving, working, settings.shutdown_seconds)
    log.info("stopped", action="role.stopped", role=role)


async def _work(assembly: Assembly, stop: asyncio.Event) -> None:
    for start in assembly.starting:
        await start()
    async with asyncio.TaskGroup() as group:
        for loop in assembly.loops:
            group.create_task(_turn(loop, stop))


async def _turn(loop: Loop, stop: asyncio.Event) -> None:
    try:
        await loop.run(stop)
    except Exception as error:
        log.error("a loop failed", action="loop.failed", loop=loop.name, exc_info=error)
        raise


async def _drain(assembly: Assembly, serving: asyncio.Task[None], working: asyncio.Task[None], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(serving, working, return_exceptions=True)
            for leave in assembly.leaving:
                await _try(leave)
    except TimeoutError:
        raise DrainOverrun(f"the role did not finish its work within {seconds:g} s") from None
    await working


async def _try(leave: Callable[[], Awaitable[Any]]) -> None:
    """Each part is left even if another one cannot be left in order, as when its server is away."""
    try:
        await leave()
    except DomainError as error:
        log.warning("left without order", action="role.left", reason=error.detail)


def _listen(http: HttpSettings, role: Role) -> socket.socket:
    port = http.port or ROLE_PORTS[role]
    try:
        return socket.create_server((http.host, port), backlog=BACKLOG)
    except OSError as error:
        raise PortTaken(f"cannot listen on {http.host}:{port}: {error.strerror}") from error


def _server(app: Litestar, settings: Settings) -> _Server:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, int(settings.shutdown_seconds) - 1),
        backlog=BACKLOG,
    )
    return _Server(config)
