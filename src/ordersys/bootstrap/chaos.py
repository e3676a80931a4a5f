"""Deliberate faults of a process: its dice, its end, and the loop that brings the operators' rates in."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.samplers import SilentObserver
from ordersys.config import Settings
from ordersys.infrastructure.postgres import engine
from ordersys.infrastructure.postgres.chaos_rates import PostgresRateStore
from ordersys.infrastructure.seeded_random import SeededRandom
from ordersys.infrastructure.telemetry.metrics import Metrics
from ordersys.messaging.chaos import CONSUME_CRASH, SeededFaults
from ordersys.messaging.chaos_rates import ChaosControl, RateRefresher
from ordersys.messaging.loop import Loop

log = structlog.get_logger()
# Rates are to hold everywhere within two seconds: half of it is left for a slow answer.
WATCH_SECONDS: Final = 1.0
CRASHED: Final = 70


def seeded_faults(settings: Settings, name: str, metrics: Metrics) -> SeededFaults:
    dice = SeededRandom(settings.chaos.seed, name, never_again=(CONSUME_CRASH,))
    rates = {str(point): rate for point, rate in settings.chaos.rates.items()}
    return SeededFaults(configured=rates, draw=dice, count=metrics.struck)


def crash() -> None:
    """As SIGKILL would end it. The log line is all that tells of it: the counter dies with the process."""
    log.warning("the process ends on purpose", action="chaos.crashed", point=CONSUME_CRASH)
    sys.stdout.flush()
    os._exit(CRASHED)


def _allowed(settings: Settings) -> bool:
    return settings.environment != "production"


class ChaosContainer(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    engine = providers.Dependency(instance_of=AsyncEngine)
    faults = providers.Dependency(instance_of=SeededFaults)
    metrics = providers.Dependency(instance_of=Metrics)

    book = providers.Singleton(PostgresRateStore, engine=engine)
    allowed = providers.Callable(_allowed, settings)
    desk = providers.Factory(ChaosControl, book=book, faults=faults, allowed=allowed)
    watch = providers.Singleton(RateRefresher, book=book, faults=faults, tell=metrics.provided.chaos_rate)


@asynccontextmanager
async def desk(settings: Settings, configured: Mapping[str, float]) -> AsyncIterator[ChaosControl]:
    """For the command line, which has no faults of its own."""
    opened = engine.create(settings.postgres, name="ordersys-chaos")
    try:
        faults = SeededFaults(configured=configured, draw=lambda _: 0.0, count=lambda _: None)
        yield ChaosControl(book=PostgresRateStore(engine=opened), faults=faults, allowed=_allowed(settings))
    finally:
        await opened.dispose()


def watching(chaos: ChaosContainer) -> Sequence[Loop]:
    """None in production: what stands in the table is not even read there."""
    if not chaos.allowed():
        return ()
    run_once = chaos.watch().run_once
    return [
        Loop(
            name="chaos-rates",
            run_once=run_once,
            observer=SilentObserver(),
            wake=asyncio.Event(),
            busy=WATCH_SECONDS,
            idle=WATCH_SECONDS,
        )
    ]
