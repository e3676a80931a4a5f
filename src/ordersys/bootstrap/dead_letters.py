"""Dead letters for operators: what the api role and the command line share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import RetentionSettings, Settings
from ordersys.domain.shared.clock import Clock
from ordersys.infrastructure.postgres.dead_letter_reads import PostgresDeadLetterReads
from ordersys.messaging.unit_of_work import NullNotifier, UnitOfWork
from ordersys.usecase.dead_letters.read_dead_letters import GetDeadLetter, ListDeadLetters, PlanReplay
from ordersys.usecase.dead_letters.replay_all import ReplayAllDeadLetters
from ordersys.usecase.dead_letters.resolve_dead_letters import DiscardDeadLetters, ReplayDeadLetters

# All attempts of a letter, and the time that a busy consumer may need to come to them.
PATIENCE_SECONDS: Final = 120.0


class DeadLetterContainer(containers.DeclarativeContainer):
    unit_of_work: providers.Dependency[UnitOfWork[Any]] = providers.Dependency()
    engine = providers.Dependency(instance_of=AsyncEngine)
    clock: providers.Dependency[Clock] = providers.Dependency()
    settings = providers.Dependency(instance_of=RetentionSettings)

    reads = providers.Singleton(PostgresDeadLetterReads, engine=engine)
    inbox_window = providers.Factory(timedelta, days=settings.provided.inbox_days)
    list_dead_letters = providers.Factory(ListDeadLetters, reads=reads)
    get_dead_letter = providers.Factory(GetDeadLetter, reads=reads)
    plan_replay = providers.Factory(PlanReplay, reads=reads, clock=clock, inbox_window=inbox_window)
    replay_dead_letters = providers.Factory(ReplayDeadLetters, unit_of_work=unit_of_work)
    discard_dead_letters = providers.Factory(DiscardDeadLetters, unit_of_work=unit_of_work)
    replay_all = providers.Factory(
        ReplayAllDeadLetters,
        replay=replay_dead_letters,
        reads=reads,
        pause=providers.Object(asyncio.sleep),
        patience=PATIENCE_SECONDS,
    )


def dead_letter_container(platform: PlatformContainer) -> DeadLetterContainer:
    return DeadLetterContainer(
        unit_of_work=platform.unit_of_work,
        engine=platform.engine,
        clock=platform.clock,
        settings=platform.settings.provided.retention,
    )


@asynccontextmanager
async def operating(settings: Settings) -> AsyncIterator[PlatformContainer]:
    """The database for a command of an operator. Watchers learn of what it does from the consumer that it is done for,
    or look by themselves.
    """
    platform = PlatformContainer(settings=settings, name="ordersys-cli")
    platform.notifier.override(providers.Object(NullNotifier()))
    try:
        yield platform
    finally:
        await platform.engine().dispose()
