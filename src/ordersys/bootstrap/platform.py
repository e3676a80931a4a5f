"""What every role stands on: clock, ids, database, meters, extension. Made once per process, opened lazily."""

from collections.abc import Mapping
from datetime import timedelta

from dependency_injector import containers, providers

from ordersys.bootstrap.extension import Extend, Host, extended, not_extended, wrapped
from ordersys.bootstrap.notifications import order_notifier
from ordersys.config import RETRY_HORIZON, Settings
from ordersys.infrastructure.postgres import engine
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.partitions import PartitionMaintenance
from ordersys.infrastructure.postgres.probe import PostgresProbe
from ordersys.infrastructure.postgres.retention import CLOCKS_DIFFER, Retention
from ordersys.infrastructure.postgres.unit_of_work import PostgresAutocommit, PostgresUnitOfWork
from ordersys.infrastructure.system import SystemClock, TimeOrderedIds
from ordersys.infrastructure.telemetry.loops import LoopLog
from ordersys.infrastructure.telemetry.metrics import Metrics


def _kept(settings: Settings) -> Mapping[str, timedelta]:
    """By table."""
    days = settings.retention
    return {
        "inbox_retries": RETRY_HORIZON,
        "inbox_events": timedelta(days=days.inbox_days),
        "idempotency_keys": timedelta(hours=settings.orders.idempotency_hours) + CLOCKS_DIFFER,
        "dead_letters": timedelta(days=days.dead_letter_days),
        "outbox_archive_default": timedelta(days=days.archive_days),
    }


class PlatformContainer(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    name = providers.Dependency(instance_of=str)
    extend: providers.Dependency[Extend] = providers.Dependency(default=not_extended)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    metrics = providers.Singleton(Metrics)
    loop_log = providers.Singleton(LoopLog)

    engine = providers.Singleton(engine.create, settings.provided.postgres, name=name)
    host = providers.Factory(Host, settings=settings, name=name, clock=clock, engine=engine, metrics=metrics)
    extension = providers.Singleton(extended, extend, host)
    notifier = providers.Singleton(order_notifier, settings.provided.redis, name, loop_log)
    unit_of_work = providers.Singleton(
        wrapped,
        extension.provided.unit_of_work,
        providers.Singleton(PostgresUnitOfWork, engine=engine, notifier=notifier),
    )
    autocommit = providers.Singleton(
        wrapped,
        extension.provided.autocommit,
        providers.Singleton(PostgresAutocommit, engine=engine, notifier=notifier),
    )
    outbox_queue = providers.Singleton(PostgresOutboxQueue, engine=engine, notifier=notifier)
    partition_maintenance = providers.Singleton(PartitionMaintenance, engine=engine, clock=clock)
    retention = providers.Singleton(Retention, engine=engine, clock=clock, kept=providers.Callable(_kept, settings))
    postgres_probe = providers.Singleton(PostgresProbe, engine=engine)
