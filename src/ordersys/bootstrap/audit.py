"""The audit: for the command line, which reads the topics too, and for the api's desk."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec
from dependency_injector import containers, providers

from ordersys.bootstrap.messaging import group_lags
from ordersys.config import PostgresSettings, Settings
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, types_of
from ordersys.entrypoint.http.ops_audit import LONGEST_SECONDS, ExclusiveAudit
from ordersys.infrastructure.kafka.scan import TopicScan
from ordersys.infrastructure.postgres import engine
from ordersys.infrastructure.postgres.audit import PostgresAuditDatabase
from ordersys.usecase.audit.ports import AuditProgress, Promise, Scope
from ordersys.usecase.audit.run_audit import RunAudit
from ordersys.usecase.audit.verdict import Verdict

LONGEST_CHECK_SECONDS = 3600.0


def _subscribed() -> Mapping[str, frozenset[str]]:
    return {consumer: types_of(consumer) for consumer in SUBSCRIPTIONS}


def _patient(postgres: PostgresSettings, seconds: float) -> PostgresSettings:
    """An engine of its own: one connection, on which a statement, and the look at the topics, may take long."""
    return msgspec.structs.replace(
        postgres, pool_size=1, statement_timeout_seconds=seconds, idle_transaction_seconds=seconds
    )


class AuditContainer(containers.DeclarativeContainer):
    """`seconds` bounds each check."""

    settings = providers.Dependency(instance_of=Settings)
    scope = providers.Dependency(instance_of=Scope)
    seconds = providers.Dependency(instance_of=float)

    postgres = providers.Factory(_patient, settings.provided.postgres, seconds)
    engine = providers.Singleton(engine.create, postgres, name="audit", scans=True)
    database = providers.Factory(PostgresAuditDatabase, engine=engine, subscriptions=providers.Callable(_subscribed))
    lags = providers.Factory(group_lags, settings.provided.kafka)
    topics = providers.Factory(TopicScan, settings.provided.kafka, lags)
    audit = providers.Factory(RunAudit, database=database)
    audit_with_topics = providers.Factory(RunAudit, database=database, topics=topics)
    desk = providers.Singleton(ExclusiveAudit, audit=audit, scope=scope)


def audit_container(settings: Settings, scope: Scope, seconds: float) -> AuditContainer:
    return AuditContainer(settings=settings, scope=scope, seconds=seconds)


def api_audit_container(settings: Settings) -> AuditContainer:
    return audit_container(settings, scope_of(settings, grace=None), LONGEST_SECONDS)


def scope_of(settings: Settings, *, grace: float | None) -> Scope:
    """Without a grace of the caller's, an unfinished order has its deadline on top of the usual one."""
    retention = settings.retention
    days = min(retention.archive_days, retention.inbox_days, retention.dead_letter_days)
    scope = Scope(
        deadline=settings.orders.deadline_seconds,
        # What is on the edge of being dropped is left out.
        kept=days * 86_400.0 - 3600.0,
        keys_kept=settings.orders.idempotency_hours * 3600.0,
        attempts=len(settings.retries.delays_seconds) + 1,
    )
    return scope if grace is None else replace(scope, grace=grace, deadline=0)


async def run_audit(
    settings: Settings, scope: Scope, promises: Iterable[Promise] | None, progress: AuditProgress, *, topics: bool
) -> Verdict:
    """Raises Unavailable."""
    container = audit_container(settings, scope, LONGEST_CHECK_SECONDS)
    try:
        audit = container.audit_with_topics() if topics else container.audit()
        return await audit.execute(scope, promises, progress)
    finally:
        await container.engine().dispose()
