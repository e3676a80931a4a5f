"""The audit: for the command line, which reads the topics too, and for the api role."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.messaging import group_lags
from ordersys.config import PostgresSettings, Settings
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, types_of
from ordersys.infrastructure.postgres import engine
from ordersys.workshop.audit.ports import AuditProgress, Promise, Scope
from ordersys.workshop.audit.postgres.database import PostgresAuditDatabase
from ordersys.workshop.audit.routes import LONGEST_SECONDS, ExclusiveAudit
from ordersys.workshop.audit.run_audit import RunAudit
from ordersys.workshop.audit.topic_scan import TopicScan
from ordersys.workshop.audit.verdict import Verdict

LONGEST_CHECK_SECONDS = 3600.0


def _subscribed() -> Mapping[str, frozenset[str]]:
    return {consumer: types_of(consumer) for consumer in SUBSCRIPTIONS}


def _patient(postgres: PostgresSettings, seconds: float) -> PostgresSettings:
    """For an engine with one connection, on which a statement, and the look at the topics, may take `seconds`."""
    return msgspec.structs.replace(
        postgres, pool_size=1, statement_timeout_seconds=seconds, idle_transaction_seconds=seconds
    )


def _engine(settings: Settings, seconds: float) -> AsyncEngine:
    return engine.create(_patient(settings.postgres, seconds), name="audit", scans=True)


def _database(opened: AsyncEngine) -> PostgresAuditDatabase:
    return PostgresAuditDatabase(engine=opened, subscriptions=_subscribed())


def api_audit(settings: Settings) -> tuple[ExclusiveAudit, Callable[[], Awaitable[None]]]:
    """For the api role: the audit, and what closes it."""
    opened = _engine(settings, LONGEST_SECONDS)
    audit = RunAudit(database=_database(opened))
    return ExclusiveAudit(audit=audit, scope=scope_of(settings, grace=None)), opened.dispose


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
    opened = _engine(settings, LONGEST_CHECK_SECONDS)
    try:
        scan = TopicScan(settings.kafka, group_lags(settings.kafka)) if topics else None
        audit = RunAudit(database=_database(opened), topics=scan)
        return await audit.execute(scope, promises, progress)
    finally:
        await opened.dispose()
