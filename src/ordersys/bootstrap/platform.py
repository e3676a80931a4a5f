"""What every role stands on: clock, ids, database, meters, faults. Made once per process, opened lazily."""

from dependency_injector import containers, providers

from ordersys.bootstrap.chaos import seeded_faults
from ordersys.config import Settings
from ordersys.infrastructure.postgres import engine
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.partitions import PartitionKeeper
from ordersys.infrastructure.postgres.probe import PostgresProbe
from ordersys.infrastructure.postgres.work import PostgresWork
from ordersys.infrastructure.system import SystemClock, TimeOrderedIds
from ordersys.infrastructure.telemetry.loops import LoopLog
from ordersys.infrastructure.telemetry.metrics import Metrics
from ordersys.messaging.chaos_handling import BlippingWork


class PlatformContainer(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    name = providers.Dependency(instance_of=str)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    metrics = providers.Singleton(Metrics)
    loop_log = providers.Singleton(LoopLog)
    faults = providers.Singleton(seeded_faults, settings=settings, name=name, metrics=metrics)

    engine = providers.Singleton(engine.create, settings.provided.postgres, name=name)
    work = providers.Singleton(BlippingWork, work=providers.Singleton(PostgresWork, engine=engine), faults=faults)
    outbox_queue = providers.Singleton(PostgresOutboxQueue, engine=engine)
    partition_keeper = providers.Singleton(PartitionKeeper, engine=engine, clock=clock)
    postgres_probe = providers.Singleton(PostgresProbe, engine=engine)
