"""Every hot query reads by its index, and as much of a million orders as of ten thousand.

Buffers are counted, not time: they are the same on a busy machine. Each statement is taken as its adapter sends it, and
explained by the plan for its arguments and by the one that PostgreSQL settles for when it was run often.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import PostgresSettings, Secret
from ordersys.domain.shared.ids import CustomerId, EventId, FlightId
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.low_water_mark import LowWaterMark
from ordersys.infrastructure.postgres.order_reads import PostgresOrderReads
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.retention import SWEEPS, Retention
from ordersys.infrastructure.postgres.session import opened
from ordersys.infrastructure.postgres.unit_of_work import PostgresTransaction, PostgresUnitOfWork
from ordersys.infrastructure.system import SystemClock
from ordersys.messaging.envelope import Acked
from ordersys.messaging.outbox import SHARDS, FailedPublish, OutboxRow, PublishedRow
from ordersys.messaging.topics import ORDER_SERVICE
from ordersys.usecase.orders.ports import IdempotencyKey
from ordersys.usecase.payments.ports import Lease
from tests.fakes.making import CAUSE, flight_id, message
from tests.integration.crowd import AGENCY, FORMER, crowd, order_number
from tests.integration.saga import Saga, saga_of, settings_of
from tests.integration.statements import Plan, Recorder, explain
from tests.servers import PostgresServer

FEW, MANY = 10_000, 1_000_000
BATCH = 500
HOUR = timedelta(hours=1)
ALL = range(SHARDS)

# The databases are made within the first test.
pytestmark = pytest.mark.timeout(240)


@dataclass(slots=True, kw_only=True)
class City:
    """A crowd, and the adapters that ask about it."""

    orders: int
    engine: AsyncEngine
    recorder: Recorder
    queue: PostgresOutboxQueue = field(init=False)
    reads: PostgresOrderReads = field(init=False)

    def __post_init__(self) -> None:
        self.queue = PostgresOutboxQueue(engine=self.engine, low_water_mark=LowWaterMark(ticker=lambda: 0.0))
        self.reads = PostgresOrderReads(engine=self.engine)

    async def within(self, ask: Callable[[PostgresTransaction], Awaitable[object]]) -> None:
        async with PostgresUnitOfWork(engine=self.engine).begin() as transaction:
            await ask(transaction)

    def retention(self) -> Retention:
        kept = dict.fromkeys(SWEEPS, timedelta(days=365))
        return Retention(engine=self.engine, clock=SystemClock(), kept=kept)

    async def prune(self, table: str) -> None:
        await self.retention()._table(table)


@asynccontextmanager
async def city_of(url: str, orders: int) -> AsyncIterator[City]:
    engine = postgres.create(PostgresSettings(url=Secret(url), pool_size=2, statement_timeout_seconds=60), name="plans")
    yield City(orders=orders, engine=engine, recorder=Recorder(engine))
    await engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`sql`: what is to be found in the statement. `pages`: what it may touch of a million orders, at most. `whole`:
    the tables that it may read from end to end.
    """

    ask: Callable[[City], Awaitable[object]]
    sql: str
    indexes: Collection[str]
    pages: int
    whole: Collection[str] = ()


def rows() -> list[OutboxRow]:
    """As the queue would give them out."""
    return [
        OutboxRow(
            id=n,
            event_id=EventId(order_number(n)),
            order_id=order_number(4 * n - 3),
            stream="orders",
            type="t",
            source="order-service",
            payload="{}",
            cause=CAUSE,
            shard=(4 * n - 3) % SHARDS,
            occurred_at=datetime.now(UTC),
            attempts=0,
        )
        for n in range(1, BATCH + 1)
    ]


def published() -> list[PublishedRow]:
    return [PublishedRow(row=row, topic="t", ack=Acked(partition=0, offset=row.id)) for row in rows()]


def keys(count: int) -> dict[IdempotencyKey, Collection[FlightId]]:
    """New ones."""
    return {
        IdempotencyKey(customer_id=CustomerId(f"c{n}"), route="POST /orders", key=f"k{n}"): [flight_id(1)]
        for n in range(count)
    }


def now() -> datetime:
    return datetime.now(UTC)


BY_CUSTOMER = ["ix_orders_customer_id_id", "pk_order_items", "pk_payments", "uq_tickets_order_id_ordinal"]
SOME = [order_number(n * 17 + 1) for n in range(BATCH)]
MESSAGES = [message(n, order=n) for n in range(BATCH)]


def page(customer: CustomerId, status: str | None = None, back: bool = False) -> Callable[[City], Awaitable[object]]:
    """`back`: from the middle of all orders on."""

    def ask(city: City) -> Awaitable[object]:
        before = order_number(city.orders // 2) if back else None
        return city.reads.page(customer, status=status, before=before, limit=20)

    return ask


def within(ask: Callable[[PostgresTransaction], Awaitable[object]]) -> Callable[[City], Awaitable[object]]:
    return lambda city: city.within(ask)


QUERIES: Mapping[str, Query] = {
    "outbox: due": Query(ask=lambda c: c.queue.due(ALL, BATCH), sql="FROM outbox", indexes=["pk_outbox"], pages=100),
    "outbox: due, one of two workers": Query(
        ask=lambda c: c.queue.due(range(SHARDS // 2), BATCH), sql="FROM outbox", indexes=["pk_outbox"], pages=100
    ),
    "outbox: archive": Query(
        ask=lambda c: c.queue.archive(published(), dict.fromkeys(ALL, 0)),
        sql="INTO outbox_archive",
        indexes=["pk_outbox"],
        pages=15 * BATCH,
    ),
    "outbox: defer": Query(
        ask=lambda c: c.queue.defer([FailedPublish(row=row, error="e", delay=1) for row in rows()]),
        sql="INTO outbox_attempts",
        indexes=["pk_outbox"],
        pages=20 * BATCH,
    ),
    "inbox: claim": Query(
        ask=within(lambda t: t.inbox.claim_free(ORDER_SERVICE, MESSAGES, passing=())),
        sql="INTO inbox_events",
        indexes=["ix_inbox_retries_order_id"],
        pages=30 * BATCH,
        whole=["dead_letters"],  # a hundredth of the orders: whichever is less
    ),
    "retries: count due": Query(
        ask=within(lambda t: t.retries.claim_next_attempt(ORDER_SERVICE, [1, 2, 4, 8])),
        sql="UPDATE inbox_retries",
        indexes=["ix_inbox_retries_consumer_next_attempt_at", "ix_inbox_retries_order_id", "pk_inbox_retries"],
        pages=300,
    ),
    "orders: first page": Query(ask=page(AGENCY), sql="FROM orders", indexes=BY_CUSTOMER, pages=400),
    "orders: first page of a former customer": Query(
        ask=page(FORMER), sql="FROM orders", indexes=BY_CUSTOMER, pages=400
    ),
    "orders: first page of a customer with few": Query(
        ask=page(CustomerId("c7")), sql="FROM orders", indexes=BY_CUSTOMER, pages=400
    ),
    "orders: a page far back": Query(ask=page(AGENCY, back=True), sql="FROM orders", indexes=BY_CUSTOMER, pages=400),
    "orders: a page of a status": Query(
        ask=page(AGENCY, "COMPLETED"), sql="FROM orders", indexes=BY_CUSTOMER, pages=400
    ),
    "orders: a page of a status that a customer with few has not": Query(
        ask=page(CustomerId("c7"), "REFUNDED"), sql="FROM orders", indexes=BY_CUSTOMER, pages=50
    ),
    "orders: one": Query(
        ask=lambda c: c.reads.order(order_number(77), None),
        sql="FROM orders",
        indexes=["pk_orders", "pk_order_items", "pk_payments", "uq_tickets_order_id_ordinal"],
        pages=20,
    ),
    "orders: workflow": Query(
        ask=lambda c: c.reads.workflow(order_number(77), None),
        sql="FROM orders",
        indexes=["pk_orders", "ix_outbox_aggregateid", "ix_inbox_events_order_id", "ix_inbox_retries_order_id"],
        pages=200,
    ),
    "orders: workflows": Query(
        ask=lambda c: c.reads.workflows(SOME),
        sql="FROM orders",
        indexes=["pk_orders", "ix_outbox_aggregateid", "ix_inbox_events_order_id", "ix_inbox_retries_order_id"],
        pages=200 * BATCH,
    ),
    "orders: lock": Query(
        ask=within(lambda t: t.orders.lock(SOME)), sql="FROM orders", indexes=["pk_orders"], pages=5 * BATCH
    ),
    "orders: overdue": Query(
        ask=within(lambda t: t.orders.lock_overdue(now() - timedelta(minutes=5), 200)),
        sql="FROM orders",
        indexes=["ix_orders_under_way"],
        pages=10 * 200,
    ),
    "payments: claim": Query(
        ask=within(lambda t: t.payments.claim(200, at=now(), lease=Lease(owner="me", until=now() + HOUR))),
        sql="UPDATE payments",
        indexes=["ix_payments_due", "pk_payments"],
        pages=25 * 200,
    ),
    "payments: lock": Query(
        ask=within(lambda t: t.payments.lock(SOME)), sql="FROM payments", indexes=["pk_payments"], pages=5 * BATCH
    ),
    "keys: look up": Query(
        ask=within(lambda t: t.placements.prepare(keys(128), since=now() - 24 * HOUR)),
        sql="idempotency_keys",
        indexes=["pk_idempotency_keys"],
        pages=5 * 128,
    ),
    "prune the inbox": Query(
        ask=lambda c: c.prune("inbox_events"), sql="DELETE FROM", indexes=["ix_inbox_events_processed_at"], pages=200
    ),
    "prune the keys": Query(
        ask=lambda c: c.prune("idempotency_keys"),
        sql="DELETE FROM",
        indexes=["ix_idempotency_keys_created_at"],
        pages=200,
    ),
    "prune the dead letters": Query(
        ask=lambda c: c.prune("dead_letters"), sql="DELETE FROM", indexes=["ix_dead_letters_created_at"], pages=50
    ),
    # There is no index for it: the table is all but empty.
    "prune the retries": Query(
        ask=lambda c: c.prune("inbox_retries"),
        sql="DELETE FROM",
        indexes=["pk_inbox_events"],
        pages=3000,
        whole=["inbox_retries"],
    ),
}
# An index is a level higher for many rows than for few, and fewer of the rows wanted share a page.
LEVEL = 2.5


@pytest.fixture(scope="module")
def few_orders(postgres_server: PostgresServer, database_template: str) -> Iterator[str]:
    with crowd(postgres_server, database_template, FEW) as url:
        yield url


@pytest.fixture(scope="module")
def many_orders(postgres_server: PostgresServer, database_template: str) -> Iterator[str]:
    with crowd(postgres_server, database_template, MANY) as url:
        yield url


async def plans(city: City, query: Query, setting: str = "SET enable_seqscan = on") -> list[Plan]:
    sent = await city.recorder.catch(query.ask(city), query.sql)
    async with opened(city.engine) as session:
        await session.driver.execute(setting)
        return await explain(session.driver, sent)


async def large(city: City) -> set[str]:
    async with opened(city.engine) as session:
        found = await session.driver.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 1000")
    return {row["relname"] for row in found}


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_reads_by_its_index_and_as_much_of_many_orders_as_of_few(
    few_orders: str, many_orders: str, name: str
) -> None:
    query = QUERIES[name]
    async with city_of(many_orders, MANY) as city:
        found, tables = await plans(city, query), await large(city)
    async with city_of(few_orders, FEW) as city:
        before = await plans(city, query, "SET enable_seqscan = off")

    for plan in found:
        assert plan.scanned & tables <= set(query.whole)
        assert plan.indexes >= set(query.indexes)
        assert plan.pages <= query.pages
    if not query.whole:
        assert max(plan.pages for plan in found) <= LEVEL * max(plan.pages for plan in before) + 10


async def test_an_answer_is_found_by_its_key_even_where_its_age_seems_cheaper(few_orders: str) -> None:
    """As to plans that were made for an empty table, and kept: all keys of a day are of the right age."""
    async with city_of(few_orders, FEW) as city:
        found = await plans(city, QUERIES["keys: look up"], "SET enable_nestloop = off")

    assert not any("ix_idempotency_keys_created_at" in plan.indexes for plan in found)


async def test_no_statement_of_a_saga_reads_a_large_table_from_end_to_end(database_url: str, many_orders: str) -> None:
    """Those that change something by ids, too: planned for many orders, and not run."""
    platform = PlatformContainer(settings=settings_of(database_url), name="saga")
    recorder = Recorder(platform.engine())
    saga = await saga_of(platform)
    with recorder.recording() as sent:
        await go_through(saga)
    await platform.engine().dispose()

    guilty = []
    async with city_of(many_orders, MANY) as city, opened(city.engine) as session:
        tables = await large(city)
        for statement in {one.sql: one for one in sent if one.arguments}.values():
            for plan in await explain(session.driver, statement, run=False):
                guilty += [(statement.sql, one) for one in plan.scanned & tables]
    assert guilty == []
    assert {"orders", "payments", "outbox", "inbox_events", "tickets"} <= tables


async def go_through(saga: Saga) -> None:
    """Orders that are refunded, and orders that are cancelled."""
    bought = await saga.place(20)
    await saga.settle_down()
    await saga.refund(bought)
    await saga.cancel(await saga.place(20))
    await saga.settle_down()


async def test_the_backlog_is_counted_in_the_outbox_alone(many_orders: str) -> None:
    """Every row, each time: it costs what it counts."""
    backlog = Query(ask=lambda c: c.queue.backlog(), sql="FROM outbox", indexes=[], pages=0)
    async with city_of(many_orders, MANY) as city:
        for plan in await plans(city, backlog):
            assert {node["Relation Name"] for node in plan.nodes() if "Relation Name" in node} == {"outbox"}
