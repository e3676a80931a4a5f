"""The load that operators switch on over HTTP: the generator of `ordersys load`, in the process of the api role and
through its own port. It is imported when it is wanted, and in a thread: it brings an HTTP client along.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

from ordersys.config import ROLE_PORTS, AuthSettings, HttpSettings, Settings
from ordersys.domain.shared.clock import Clock
from ordersys.entrypoint.http.tokens import mint
from ordersys.workshop.load.switch import CannotRun, LoadSwitch, Run

# Seconds to try an order again that nobody answered: it is a demonstration, not a proof.
RETRY_FOR: Final = 10.0
ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # nothing is bound


def load_switch(settings: Settings, clock: Clock) -> LoadSwitch:
    allowed = settings.environment != "production" and settings.auth.demo
    prepare = partial(_prepared, address_of(settings.http), _tokens(settings.auth))
    return LoadSwitch(allowed=allowed, prepare=prepare, clock=clock)


def address_of(http: HttpSettings) -> str:
    """Where the api role of these settings is reached from its own machine."""
    host = "127.0.0.1" if http.host in ANYWHERE else http.host
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{http.port or ROLE_PORTS['api']}"


def _tokens(auth: AuthSettings) -> Callable[[str], str]:
    return cache(lambda customer: mint(auth, customer, "customer", datetime.now(UTC)))


@asynccontextmanager
async def _prepared(api: str, token: Callable[[str], str], rate: float, seconds: float) -> AsyncIterator[Run]:
    prepared, cannot = await asyncio.to_thread(_imported)
    try:
        async with prepared(rate, seconds, api=api, token=token) as run:
            yield run
    except cannot as error:
        raise CannotRun(str(error) or "there is no flight with free seats") from error


def _imported() -> tuple[Callable[..., AbstractAsyncContextManager[Run]], tuple[type[Exception], ...]]:
    from ordersys.workshop.load.client import Unreachable
    from ordersys.workshop.load.flights import NoFlights
    from ordersys.workshop.load.generator import prepared
    from ordersys.workshop.load.plan import Plan

    def of(rate: float, seconds: float, **how: Any) -> AbstractAsyncContextManager[Run]:
        return prepared(Plan(rate=rate, duration=seconds, run=secrets.token_hex(4), retry_for=RETRY_FOR), **how)

    return of, (Unreachable, NoFlights)
