"""Runs one role: its HTTP server and its loops in one event loop, until a signal; then drains it within a deadline.

Order of the end: not ready any more -> no new work is taken -> what is under way is finished and committed -> leave.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import uvicorn

from ordersys.config import ROLE_PORTS, HttpSettings, Role, Settings
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.entrypoint.http.health import Health
from ordersys.messaging.loop import Loop

log = structlog.get_logger()
BACKLOG: Final = 2048
COLLECTOR: Final = (50_000, 20, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of a role. `starting` is awaited before the loops, `leaving` after them, each in order; `ending` is
    called when the role is to end, before it drains: for what would go on for ever.

    `takes_requests`: work comes in over HTTP, so the port is closed first. Otherwise HTTP only tells of the role, and
    does so until the work is done.
    """

    app: Any
    health: Health
    loops: list[Loop]
    starting: Sequence[Callable[[], Awaitable[Any]]] = ()
    ending: Sequence[Callable[[], object]] = ()
    leaving: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)
    takes_requests: bool = False


class PortTaken(DomainError):
    """The HTTP port cannot be bound."""

    def __init__(self, detail: str) -> None:
        super().__init__("port_taken", Kind.TRANSIENT, detail)


class DrainOverrun(DomainError):
    """Something did not finish within `shutdown_seconds`; it is safe to repeat, so the process ends all the same."""

    def __init__(self, seconds: float) -> None:
        super().__init__("drain_overrun", Kind.TRANSIENT, f"the role did not finish its work within {seconds:g} s")


class ServerEnded(RuntimeError):
    """The HTTP server ended by itself."""


class _Server(uvicorn.Server):
    """The process, not the server, owns the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(build: Callable[[], Assembly], settings: Settings, role: Role) -> None:
    """Raises what ended a loop or the server, DrainOverrun, or PortTaken: then nothing was built."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _listen(settings.http, role) as listener:
        assembly = build()
        calm_collector()
        await _run(assembly, listener, stop, settings.shutdown_seconds, role)


def calm_collector() -> None:
    """What a role is made of stays until its end, and a batch makes thousands of tuples that are not garbage: the
    cyclic collector need not walk through all of them every few hundred.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)


async def _run(assembly: Assembly, listener: socket.socket, stop: asyncio.Event, seconds: float, role: Role) -> None:
    server = _server(assembly.app, seconds)
    serving = asyncio.create_task(_serve(server, listener, stop))
    working = asyncio.create_task(_work(assembly, stop))
    log.info("started", action="role.started", role=role, port=listener.getsockname()[1])
    await stop.wait()
    assembly.health.draining = True
    for end in assembly.ending:
        end()
    await _drain(assembly, server, serving, working, seconds)
    log.info("stopped", action="role.stopped", role=role)


async def _serve(server: _Server, listener: socket.socket, stop: asyncio.Event) -> None:
    try:
        await server.serve(sockets=[listener])
        if not stop.is_set():
            raise ServerEnded("the HTTP server ended by itself")
    finally:
        stop.set()


async def _work(assembly: Assembly, stop: asyncio.Event) -> None:
    """When one loop fails, the others finish their pass."""
    try:
        for start in assembly.starting:
            await start()
        ends = await asyncio.gather(*(_turn(loop, stop) for loop in assembly.loops), return_exceptions=True)
        for error in ends:
            if isinstance(error, BaseException):
                raise error
    finally:
        stop.set()


async def _turn(loop: Loop, stop: asyncio.Event) -> None:
    try:
        await loop.run(stop)
    except Exception as error:
        stop.set()
        log.error("a loop failed", action="loop.failed", loop=loop.name, exc_info=error)
        raise


async def _drain(
    assembly: Assembly,
    server: _Server,
    serving: asyncio.Task[None],
    working: asyncio.Task[None],
    seconds: float,
) -> None:
    try:
        async with asyncio.timeout(seconds):
            server.should_exit = assembly.takes_requests
            await asyncio.wait({working})
            server.should_exit = True
            await asyncio.wait({serving})
            for leave in assembly.leaving:
                await _try(leave)
    except TimeoutError:
        raise DrainOverrun(seconds) from None
    working.result()
    serving.result()


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
        reason = str(error.strerror or error).partition(" (while")[0]  # it goes on with the address
        raise PortTaken(f"{role} cannot listen on {http.host}:{port}: {reason}") from error


def _server(app: Any, seconds: float) -> _Server:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing asks who the client's address is
        server_header=False,
        timeout_graceful_shutdown=max(1, int(seconds) - 1),
        backlog=BACKLOG,
    )
    return _Server(config)
