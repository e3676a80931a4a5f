"""Somebody holds a snapshot while the queues are busy: what was deleted stays in the way, and must cost little."""

from collections.abc import AsyncIterator, Awaitable

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.low_water_mark import LowWaterMark
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.session import opened
from ordersys.infrastructure.postgres.shard_leases import PostgresShardLeases
from ordersys.messaging.envelope import Acked
from ordersys.messaging.outbox import SHARDS, OutboxRow, PublishedRow
from tests.integration.statements import Plan, Recorder, explain

PASSED, BATCH, WAITING = 200_000, 500, 2_000
ALL = range(SHARDS)
APPEND = f"""
    INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
    SELECT gen_random_uuid(), 'orders', gen_random_uuid(), 't', '{{}}', '{{"source": "s", "correlation_id": "c"}}',
        n % {SHARDS}, now()
    FROM generate_series(1, $1::int) AS n
"""  # noqa: S608 -- constants only

pytestmark = pytest.mark.timeout(180)


class Busy:
    """A worker whose time stands still, so that it never sweeps, and a connection that has seen it all."""

    def __init__(self, engine: AsyncEngine, driver: asyncpg.Connection) -> None:
        self.driver = driver
        self.engine = engine
        self.recorder = Recorder(engine)
        self.queue = PostgresOutboxQueue(engine=engine, low_water_mark=LowWaterMark(ticker=lambda: 0.0))
        self.leases = PostgresShardLeases(engine=engine, owner="worker", lease_seconds=300)

    async def append(self, rows: int) -> None:
        await self.driver.execute(APPEND, rows)

    async def sent(self, limit: int = BATCH) -> list[PublishedRow]:
        rows = await self.queue.due(ALL, limit)
        return [_published(row) for row in rows]

    async def pass_through(self, rows: int) -> None:
        """Most of them at once, and the last ones as a worker does it."""
        await self.append(rows - WAITING)
        await self.driver.execute("DELETE FROM outbox")
        await self.append(WAITING)
        tokens = await self.leases.balance(returning=True)
        while published := await self.sent():
            await self.queue.archive(published, tokens)

    async def plans(self, unit_of_work: Awaitable[object], what: str) -> list[Plan]:
        caught = await self.recorder.catch(unit_of_work, what)
        async with opened(self.engine) as session:
            return await explain(session.driver, caught)

    async def claims(self) -> list[Plan]:
        return await self.plans(self.queue.due(ALL, BATCH), "FROM outbox")

    async def archives(self) -> list[Plan]:
        tokens = await self.leases.balance(returning=False)
        return await self.plans(self.queue.archive(await self.sent(), tokens), "INTO outbox_archive")


def _published(row: OutboxRow) -> PublishedRow:
    return PublishedRow(row=row, topic="t", ack=Acked(partition=0, offset=row.id))


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[Busy]:
    engine = postgres.create(PostgresSettings(url=Secret(database_url), statement_timeout_seconds=60), name="busy")
    driver = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    yield Busy(engine, driver)
    await driver.close()
    await engine.dispose()


@pytest.fixture
async def snapshot(database_url: str) -> AsyncIterator[None]:
    """Held from before the first row to after the last."""
    holder = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with holder.transaction(isolation="repeatable_read"):
        await holder.fetch("SELECT FROM flights")
        yield
    await holder.close()


async def test_the_outbox_is_claimed_and_archived_as_ever(snapshot: None, busy: Busy) -> None:
    await busy.append(WAITING)
    await busy.driver.execute("ANALYZE outbox")
    clean = max(plan.pages for plan in await busy.claims())
    await busy.pass_through(PASSED)
    await busy.append(WAITING)
    # The statistics are those of an all but empty table, which is large.
    await busy.driver.execute("ANALYZE outbox")
    for _ in range(2):
        await busy.sent()

    claims, archives = await busy.claims(), await busy.archives()

    assert await busy.driver.fetchval("SELECT count(*) FROM outbox") == WAITING
    # Clean, that is a dozen pages: a few more are noise, the dead rows are thousands.
    assert max(plan.pages for plan in claims) <= 1.2 * clean + 6
    assert all("pk_outbox" in plan.indexes and plan.removed == 0 for plan in claims)
    # At most one look at the whole table, and what it takes to move each row.
    assert max(plan.pages for plan in archives) <= 20 * BATCH


async def test_the_backlog_is_counted_without_the_rows_that_are_gone(busy: Busy) -> None:
    await busy.append(PASSED)
    await busy.driver.execute("ANALYZE outbox")
    await busy.driver.execute("DELETE FROM outbox")
    await busy.append(WAITING)
    for _ in range(2):
        assert (await busy.queue.backlog())[0] == WAITING

    backlogs = await busy.plans(busy.queue.backlog(), "FROM outbox")

    table = await busy.driver.fetchval("SELECT pg_relation_size('outbox') / 8192")
    assert max(plan.pages for plan in backlogs) <= table / 3
