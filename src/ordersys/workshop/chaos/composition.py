"""Deliberate faults of a process: its seeded draws, its end, and the loop that brings the operators' rates in."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.extension import Extension, Host, HttpExtension
from ordersys.config import Settings
from ordersys.infrastructure.postgres import engine
from ordersys.messaging.loop import Loop, SilentObserver
from ordersys.workshop.chaos.faults import AIRLINE_REJECT, CONSUME_CRASH, GATEWAY_TIMEOUT, SeededFaults
from ordersys.workshop.chaos.handling import BlippingAutocommit, BlippingUnitOfWork, faulty_handler
from ordersys.workshop.chaos.publishing import faulty_publisher
from ordersys.workshop.chaos.rate_store import PostgresRateStore
from ordersys.workshop.chaos.rates import ChaosControl, RateRefresher
from ordersys.workshop.chaos.seeded_random import SeededRandom

log = structlog.get_logger()
# Rates are to hold everywhere within two seconds: half of it is left for a slow answer.
WATCH_SECONDS: Final = 1.0
CRASHED: Final = 70


def seeded_faults(settings: Settings, name: str, count: Callable[[str], None]) -> SeededFaults:
    draw = SeededRandom(settings.chaos.seed, name, never_again=(CONSUME_CRASH,))
    rates = {str(point): rate for point, rate in settings.chaos.rates.items()}
    return SeededFaults(configured=rates, draw=draw, count=count)


def fault_points(host: Host, faults: SeededFaults, http: Callable[[], HttpExtension]) -> Extension:
    """In production no fault point is wired, and the stored rates are not even read."""
    if not _allowed(host.settings):
        return Extension(http=http)
    return Extension(
        publisher=partial(faulty_publisher, faults=faults),
        handler=partial(faulty_handler, faults=faults, crash=crash),
        unit_of_work=lambda inner: BlippingUnitOfWork(unit_of_work=inner, faults=faults),
        autocommit=lambda inner: BlippingAutocommit(unit_of_work=inner, faults=faults),
        gateway_silent=partial(faults.strikes, GATEWAY_TIMEOUT),
        airline_refuses=partial(faults.strikes, AIRLINE_REJECT),
        loops=[_refreshing(host, faults)],
        http=http,
    )


def chaos_control(settings: Settings, postgres: AsyncEngine, faults: SeededFaults) -> ChaosControl:
    return ChaosControl(store=PostgresRateStore(engine=postgres), faults=faults, allowed=_allowed(settings))


@asynccontextmanager
async def opened_control(settings: Settings, configured: Mapping[str, float]) -> AsyncIterator[ChaosControl]:
    """For the command line, which has no faults of its own."""
    opened = engine.create(settings.postgres, name="ordersys-chaos")
    try:
        faults = SeededFaults(configured=configured, draw=lambda _: 0.0, count=lambda _: None)
        yield chaos_control(settings, opened, faults)
    finally:
        await opened.dispose()


def crash() -> None:
    """As SIGKILL would end it. The log line is the only sign of it: the counter dies with the process."""
    log.warning("the process ends on purpose", action="chaos.crashed", point=CONSUME_CRASH)
    sys.stdout.flush()
    os._exit(CRASHED)


def _allowed(settings: Settings) -> bool:
    return settings.environment != "production"


def _refreshing(host: Host, faults: SeededFaults) -> Loop:
    refresher = RateRefresher(store=PostgresRateStore(engine=host.engine), faults=faults, tell=host.metrics.chaos_rate)
    return Loop(
        name="chaos-rates",
        run_once=refresher.run_once,
        observer=SilentObserver(),
        wake=asyncio.Event(),
        busy=WATCH_SECONDS,
        idle=WATCH_SECONDS,
    )
