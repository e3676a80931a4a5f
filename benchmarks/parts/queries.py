"""What the indexes are for: the product's own statements, explained with them and without.

An index is dropped in a transaction that is rolled back. The plans are kept as text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from benchmarks import history, outbox, payments
from benchmarks.database import Database
from benchmarks.options import Options
from benchmarks.report import Part, Table
from benchmarks.servers import Servers
from benchmarks.world import World, create
from ordersys.infrastructure.postgres import order_reads, order_repository, outbox_repository, payment_repository
from ordersys.messaging.outbox import SHARDS

ORDERS: Final = 200_000
UNDER_WAY: Final = 500
PENDING: Final = 20_000
PLANS: Final = "query-plans.txt"
INTENTS: Final = """
    INSERT INTO payments (order_id, method, amount, currency, status, next_attempt_at, cause, created_at, updated_at)
    SELECT id, 'pm_ok', 540000, 'RUB', 'REQUESTED', now(), '{}', now(), now() FROM orders WHERE status = 'CREATED'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`without`: what takes the indexes away."""

    what: str
    statement: TextClause
    without: str
    bound: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    text: str
    milliseconds: float
    pages: int


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="queries")
    world = create(servers, "queries")
    total = options.count(ORDERS)
    history.add(world, 1, total)
    with world.database() as database:
        payments.orders(database, UNDER_WAY)
        database.run(INTENTS)
        outbox.fill(database, PENDING)
        database.run("ANALYZE")
        rows, texts = [], []
        for case in _cases(world, total):
            having, lacking = _explained(database, case, None), _explained(database, case, case.without)
            rows.append([case.what, having.milliseconds, lacking.milliseconds, having.pages, lacking.pages])
            texts += [f"== {case.what}\n\n{having.text}\n\n-- after {case.without}\n\n{lacking.text}\n"]
    header = ["Statement", "ms", "ms without the index", "pages", "pages without the index"]
    title = f"EXPLAIN (ANALYZE, BUFFERS), {total:,} finished orders, {UNDER_WAY} unfinished, {PENDING:,} pending events"
    part.tables.append(Table(title=title, header=header, rows=rows))
    part.texts[PLANS] = "\n".join([f"{title}, PostgreSQL 18. Second execution of each.\n", *texts])
    part.notes.append(f"The plans are in [{PLANS}]({PLANS}).")
    return part


def _cases(world: World, total: int) -> Sequence[Case]:
    (order_id, owner), *_ = history.ids(world, 1, total)
    now = datetime.now(UTC)
    soon = now + timedelta(minutes=1)
    mine = {"id": order_id, "customer": f"customer-{owner}"}
    return [
        Case(
            what="a page of a customer's orders",
            statement=order_reads.LIST_ORDERS,
            bound={"customer": mine["customer"], "status": None, "before": None, "limit": 21},
            without="DROP INDEX ix_orders_customer_id_id",
        ),
        Case(
            what="the workflow of an order",
            statement=order_reads.GET_WORKFLOW,
            bound=mine,
            without="DROP INDEX ix_outbox_archive_aggregateid, ix_inbox_events_order_id, ix_outbox_aggregateid",
        ),
        Case(
            what="orders past their deadline",
            statement=order_repository.LOCK_OVERDUE,
            bound={"before": now - timedelta(minutes=5), "limit": 100},
            without="DROP INDEX ix_orders_under_way",
        ),
        Case(
            what="payments that are due",
            statement=payment_repository.CLAIM,
            bound={"owner": "bench", "at": soon, "until": soon + timedelta(minutes=1), "limit": 200},
            without="DROP INDEX ix_payments_due",
        ),
        Case(
            what="the relay's next events",
            statement=outbox_repository.DUE,
            bound={"shards": list(range(SHARDS)), "limit": 500, "floor": 0, "under_way": []},
            without="ALTER TABLE outbox DROP CONSTRAINT pk_outbox",
        ),
    ]


def _explained(database: Database, case: Case, without: str | None) -> Plan:
    """Executed twice, so that the second one finds its pages in memory; then nothing has happened."""
    compiled = case.statement.compile(dialect=dialect.dialect())  # type: ignore[no-untyped-call]  # untyped
    bound = [case.bound[name] for name in compiled.positiontup or ()]
    lines: Sequence[Any] = ()
    for _ in range(2):
        database.run("BEGIN")
        if without:
            database.run(without)
        lines = database.rows(f"EXPLAIN (ANALYZE, BUFFERS) {compiled}", *bound)
        database.run("ROLLBACK")
    text = "\n".join(line[0] for line in lines)
    return Plan(text=text, milliseconds=_number(r"Execution Time: ([\d.]+)", text), pages=_pages(text))


def _pages(text: str) -> int:
    """Of the whole statement: what its topmost node names."""
    topmost = re.search(r"Buffers: (.*)", text)
    return sum(int(pages) for pages in re.findall(r"(?:hit|read)=(\d+)", topmost[1])) if topmost else 0


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0
