"""The audit's evidence and its snapshot: temporary tables on one connection, judged in one read-only transaction."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ordersys.infrastructure.postgres.engine import autocommit
from ordersys.infrastructure.postgres.errors import translated
from ordersys.workshop.audit.ports import AuditProgress, Committed, Promise, Scope, Seen, Span
from ordersys.workshop.audit.postgres.check import NO_LIMIT_SECONDS, InvariantCheck
from ordersys.workshop.audit.postgres.messages import MESSAGE_CHECKS
from ordersys.workshop.audit.postgres.money import MONEY_CHECKS
from ordersys.workshop.audit.postgres.orders import ORDER_CHECKS
from ordersys.workshop.audit.postgres.topics import TOPIC_CHECKS
from ordersys.workshop.audit.verdict import Example, Finding, Verdict, verdict

IDLE = InvariantCheck(
    name="no_idle_transactions",
    meaning="No transaction stands idle and holds locks.",
    checked="SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
    broken="""
        SELECT application_name || ', process ' || pid AS subject, state || ' since '
            || CAST(state_change AS timestamptz(0)) || ' after ' || left(query, 80) AS reason
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
            AND state_change <= clock_timestamp() - CAST(:idle AS float8) * interval '1 second'
    """,
)
CHECKS: Final = (*ORDER_CHECKS, *MESSAGE_CHECKS, *TOPIC_CHECKS, *MONEY_CHECKS, IDLE)

PREPARE: Final = (
    "SET work_mem = '64MB'",
    """CREATE TEMPORARY TABLE audit_events (id bigint, event_id uuid, order_id uuid, stream text, type text,
        occurred_at timestamptz, topic text, partition int, "offset" bigint, published_at timestamptz)""",
    """CREATE TEMPORARY TABLE audit_records (topic text, partition int, "offset" bigint, milliseconds bigint,
        event_id uuid, order_id uuid, type text)""",
    "CREATE TEMPORARY TABLE audit_spans (topic text, partition int, first bigint, final bigint)",
    """CREATE TEMPORARY TABLE audit_committed (consumer text, topic text, partition int, "offset" bigint)""",
    "CREATE TEMPORARY TABLE audit_promises (owner text, key text, status int, order_id uuid)",
)

# The archive is read once: without the payloads it is a tenth as large.
COPY_EVENTS = text("""
    INSERT INTO audit_events
    SELECT id, event_id, aggregateid, aggregatetype, type, occurred_at, topic, partition, "offset", published_at
    FROM outbox_archive
    UNION ALL
    SELECT id, event_id, aggregateid, aggregatetype, type, occurred_at, NULL, NULL, NULL, NULL FROM outbox
""")

TAKE_PROMISES = text("""
    INSERT INTO audit_promises SELECT * FROM unnest(CAST(:c0 AS text[]), CAST(:c1 AS text[]), CAST(:c2 AS int[]),
        CAST(:c3 AS uuid[]))
""")
TAKE_SPANS = text("""
    INSERT INTO audit_spans SELECT * FROM unnest(CAST(:c0 AS text[]), CAST(:c1 AS int[]), CAST(:c2 AS bigint[]),
        CAST(:c3 AS bigint[]))
""")
TAKE_COMMITTED = text("""
    INSERT INTO audit_committed SELECT * FROM unnest(CAST(:c0 AS text[]), CAST(:c1 AS text[]), CAST(:c2 AS int[]),
        CAST(:c3 AS bigint[]))
""")
TAKE_RECORDS = text("""
    INSERT INTO audit_records SELECT * FROM unnest(CAST(:c0 AS text[]), CAST(:c1 AS int[]), CAST(:c2 AS bigint[]),
        CAST(:c3 AS bigint[]), CAST(:c4 AS uuid[]), CAST(:c5 AS uuid[]), CAST(:c6 AS text[]))
""")

FACTS: Final[Mapping[str, str]] = {
    "orders": "SELECT count(*) FROM orders",
    "orders_under_way": "SELECT count(*) FROM orders WHERE status NOT IN ('COMPLETED', 'CANCELLED', 'REFUNDED')",
    "events_pending": "SELECT count(*) FROM outbox",
    "retries_waiting": "SELECT count(*) FROM inbox_retries",
    "dead_letters_new": "SELECT count(*) FROM dead_letters WHERE status = 'NEW'",
}
TOPIC_FACTS: Final[Mapping[str, str]] = {
    "topic_records": "SELECT count(*) FROM audit_records",
    "topic_duplicates": """
        SELECT coalesce(sum(copies - 1), 0) FROM (SELECT count(*) AS copies FROM audit_records
            WHERE event_id IS NOT NULL AND topic NOT LIKE '%dlq' GROUP BY topic, event_id) AS events""",
    "topic_unreadable": "SELECT count(*) FROM audit_records WHERE event_id IS NULL OR type IS NULL",
}
LAGS = text("""
    SELECT consumer, sum(greatest(s.final - greatest(c."offset", s.first), 0)) AS lag
    FROM audit_committed AS c JOIN audit_spans AS s USING (topic, partition) GROUP BY consumer ORDER BY consumer
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditDatabase:
    """Implements workshop.audit.ports.Books. `subscriptions`: the types of event that each consumer handles.

    The engine's statement timeout bounds each check.
    """

    engine: AsyncEngine
    subscriptions: Mapping[str, frozenset[str]]

    @asynccontextmanager
    async def open(self) -> AsyncIterator["PostgresEvidence"]:
        with translated():
            async with autocommit(self.engine).connect() as connection:
                try:
                    for statement in PREPARE:
                        await connection.execute(text(statement))
                    yield PostgresEvidence(connection=connection, subscriptions=self.subscriptions)
                finally:
                    # With the session go its temporary tables and settings, whatever state it is in.
                    await connection.invalidate()


@dataclass(slots=True, kw_only=True)
class PostgresEvidence:
    """Implements workshop.audit.ports.Evidence."""

    connection: AsyncConnection
    subscriptions: Mapping[str, frozenset[str]]
    _taken: set[str] = field(default_factory=lambda: {""})
    _before_topics: datetime | None = None

    async def take_promises(self, promises: Sequence[Promise]) -> None:
        self._taken.add("ledger")
        await self._take(TAKE_PROMISES, promises)

    async def before_topics(self) -> None:
        self._before_topics = (await self.connection.execute(text("SELECT clock_timestamp()"))).scalar_one()

    async def take_places(self, spans: Sequence[Span], committed: Sequence[Committed]) -> None:
        self._taken.add("topics")
        await self._take(TAKE_SPANS, spans)
        await self._take(TAKE_COMMITTED, committed)

    async def take_records(self, records: Sequence[Seen]) -> None:
        await self._take(TAKE_RECORDS, records)

    async def judge(self, scope: Scope, progress: AuditProgress) -> Verdict:
        await self.connection.commit()
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self.connection = await self.connection.execution_options(**snapshot)
        async with self.connection.begin():
            at = (await self.connection.execute(text("SELECT now()"))).scalar_one()
            checks = [check for check in CHECKS if check.needs in self._taken]
            await self._copy_events(progress, len(checks))
            findings = []
            for done, check in enumerate(checks):
                progress(check.name, done, len(checks))
                findings.append(await self._hold(check, self._bound(scope), scope.examples))
            facts = await self._facts()
        skipped = [check.name for check in CHECKS if check.needs not in self._taken]
        return verdict(findings, facts, at=at, grace_seconds=scope.grace, skipped=skipped)

    async def _copy_events(self, progress: AuditProgress, checks: int) -> None:
        progress("reading events", 0, checks)
        await self.connection.execute(COPY_EVENTS)
        for table in ("audit_events", "audit_records", "audit_promises", "audit_committed"):
            await self.connection.execute(text(f"ANALYZE {table}"))

    def _bound(self, scope: Scope) -> dict[str, Any]:
        pairs = [(consumer, type_) for consumer, types in self.subscriptions.items() for type_ in sorted(types)]
        return {
            "grace": scope.grace,
            "deadline": scope.deadline,
            "kept": NO_LIMIT_SECONDS if scope.kept is None else scope.kept,
            "keys_kept": scope.keys_kept,
            "idle": scope.idle,
            "attempts": scope.attempts,
            "before_topics": self._before_topics,
            "consumers": [consumer for consumer, _ in pairs],
            "types": [type_ for _, type_ in pairs],
        }

    async def _hold(self, check: InvariantCheck, bound: Mapping[str, Any], examples: int) -> Finding:
        checked = (await self.connection.execute(text(check.checked), bound)).scalar_one()
        wrong = f"SELECT subject, reason, count(*) OVER () AS found FROM ({check.broken}) AS broken LIMIT {examples:d}"  # noqa: S608
        rows = (await self.connection.execute(text(wrong), bound)).all()
        return Finding(
            name=check.name,
            meaning=check.meaning,
            checked=checked,
            violations=rows[0].found if rows else 0,
            examples=tuple(Example(subject=row.subject, reason=row.reason) for row in rows),
        )

    async def _facts(self) -> Mapping[str, int]:
        wanted = {**FACTS, **(TOPIC_FACTS if "topics" in self._taken else {})}
        facts = {name: int((await self.connection.execute(text(sql))).scalar_one()) for name, sql in wanted.items()}
        return {**facts, **{f"lag of {row.consumer}": int(row.lag) for row in await self.connection.execute(LAGS)}}

    async def _take(self, statement: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            columns = zip(*rows, strict=True)
            await self.connection.execute(statement, {f"c{n}": list(column) for n, column in enumerate(columns)})
