"""Deadlines on the real database: found without a look at what has ended, and by any number of workers once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.domain.orders.order import Status
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.order_repository import LOCK_OVERDUE
from ordersys.infrastructure.postgres.unit_of_work import PostgresUnitOfWork
from ordersys.usecase.orders.cancel_orders import ExpireOrders
from tests.fakes import placing
from tests.fakes.clock import FakeClock, FakeIds
from tests.fakes.making import order
from tests.fakes.orders import FakeOrderMeter

DEADLINE = timedelta(minutes=5)
_starts = count(1000, 1000)
ENDED = text("""
    INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
    SELECT uuidv7(), 'c', 'COMPLETED', 'pm_ok', 1, 'RUB', now() - n * interval '1 second', now()
    FROM generate_series(1, 20000) AS n
""")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = postgres.create(PostgresSettings(url=Secret(database_url)), name="deadlines")
    yield made
    await made.dispose()


def expiring(engine: AsyncEngine) -> ExpireOrders:
    return ExpireOrders(
        unit_of_work=PostgresUnitOfWork(engine=engine),
        clock=FakeClock(passed=DEADLINE.total_seconds() + 1),
        ids=FakeIds(next(_starts)),
        meter=FakeOrderMeter(),
        deadline=DEADLINE,
        batch_size=7,
    )


async def test_what_is_overdue_is_found_by_its_index(engine: AsyncEngine) -> None:
    statement = str(LOCK_OVERDUE).replace(":before", "now() - interval '5 minutes'").replace(":limit", "200")

    async with engine.begin() as connection:
        await connection.execute(ENDED)
        await connection.exec_driver_sql("ANALYZE orders")
        plan = "\n".join((await connection.exec_driver_sql(f"EXPLAIN {statement}")).scalars())

    assert "ix_orders_under_way" in plan
    assert "Seq Scan on orders" not in plan


async def test_workers_at_the_same_moment_end_each_order_once(engine: AsyncEngine) -> None:
    async with PostgresUnitOfWork(engine=engine).begin() as transaction:
        await placing.add(transaction, [order(number) for number in range(1, 31)])

    ended: list[int] = []
    while sum(ended) < 30:
        ended.extend(await asyncio.gather(*(expiring(engine).run_once() for _ in range(4))))

    async with engine.connect() as connection:
        statuses = (await connection.execute(text("SELECT DISTINCT status, reason FROM orders"))).all()
        events = (await connection.execute(text("SELECT count(*), count(DISTINCT aggregateid) FROM outbox"))).one()
    assert [tuple(row) for row in statuses] == [(Status.CANCELLED, "deadline_passed")]
    assert sum(ended) == 30
    assert tuple(events) == (30, 30)
