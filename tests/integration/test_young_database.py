"""A database that grew before anybody analyzed it: plans were made while its tables were all but empty, and they must
not read them whole when they no longer are.
"""

from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import text

from ordersys.bootstrap.platform import PlatformContainer
from tests.integration.saga import Saga, saga_of, settings_of

GROWING = ("orders", "order_items", "order_status_history", "idempotency_keys", "payments", "tickets", "inbox_events")
BATCH = 20
TIMES = 8  # a statement is planned anew five times, then its plan is kept
ORDERS = 2000
NEVER_ANALYZED = [text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)") for table in GROWING]
READ_WHOLE = text("SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname = ANY(:tables)")
TELL_NOW = text("SELECT pg_stat_force_next_flush()")


@pytest.fixture
async def saga(database_url: str) -> AsyncIterator[Saga]:
    platform = PlatformContainer(settings=settings_of(database_url), name="young")
    saga = await saga_of(platform)
    async with saga.engine.begin() as connection:
        for never in NEVER_ANALYZED:
            await connection.execute(never)
    yield saga
    await platform.engine().dispose()


async def rows_read_whole(saga: Saga) -> Mapping[str, int]:
    """Of each table, rows that sequential scans have read so far."""
    async with saga.engine.connect() as connection:
        return {row.relname: row.seq_tup_read for row in await connection.execute(READ_WHOLE, {"tables": [*GROWING]})}


async def finish(saga: Saga, count: int) -> None:
    await saga.place(count)
    await saga.settle_down()
    async with saga.engine.connect() as connection:
        await connection.execute(TELL_NOW)


async def test_plans_made_for_empty_tables_do_not_read_full_ones(saga: Saga) -> None:
    for _ in range(TIMES):
        await finish(saga, BATCH)
    await finish(saga, ORDERS)
    before = await rows_read_whole(saga)

    await finish(saga, BATCH)

    after = await rows_read_whole(saga)
    assert {table: after[table] - before[table] for table in GROWING} == dict.fromkeys(GROWING, 0)
