"""Up, down, up again, two at once, and a drift check that bites."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.postgres import migrate, partitions
from ordersys.infrastructure.postgres.tables import metadata
from tests.servers import PostgresServer

# Everything in the schema but Alembic's own table and the day partitions, each with its full definition.
EVERYTHING = """
    WITH ours AS (
        SELECT * FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND NOT relispartition AND relname NOT LIKE 'alembic_version%'
    )
    SELECT concat_ws(' ', relname, relkind, reloptions::text, pg_get_partkeydef(oid)) FROM ours
    UNION ALL
    SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attnum,
                     pg_get_expr(adbin, adrelid))
    FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind IN ('r', 'p')
    UNION ALL
    SELECT concat_ws(' ', relname, conname, pg_get_constraintdef(pg_constraint.oid))
    FROM ours JOIN pg_constraint ON conrelid = ours.oid
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM ours JOIN pg_index ON indrelid = ours.oid
"""


@pytest.fixture
async def empty_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    name = f"empty_{uuid4().hex[:12]}"
    admin = create_async_engine(postgres_server.admin_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} OWNER ordersys"))
    yield postgres_server.url(name)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
async def engine(empty_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(empty_url)
    yield engine
    await engine.dispose()


async def everything(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.scalars(text(EVERYTHING)))


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def number(engine: AsyncEngine, statement: str) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(text(statement))


async def test_upgrade_brings_an_empty_database_to_the_newest_revision(empty_url: str) -> None:
    assert await migrate.current(empty_url) is None

    await migrate.upgrade(empty_url)

    assert await migrate.current(empty_url) == migrate.head()


async def test_upgrade_fills_what_the_relay_and_the_archive_need(empty_url: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(empty_url)

    assert await number(engine, "SELECT count(*) FROM outbox_shards WHERE shard BETWEEN 0 AND 63") == 64
    assert await number(engine, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outbox_archive'::regclass") == 9
    assert await number(engine, "SELECT nextval('ticket_numbers')") == 1


async def test_revisions_and_metadata_make_the_same_schema(empty_url: str, engine: AsyncEngine) -> None:
    """Alembic's own comparison is blind to checks, partial indexes and storage options."""
    await migrate.upgrade(empty_url)
    by_revisions = await everything(engine)
    await migrate.downgrade(empty_url, "base")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)

    assert await everything(engine) == by_revisions


async def test_downgrade_to_base_leaves_nothing_and_upgrade_works_again(empty_url: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(empty_url)
    upgraded = await everything(engine)

    await migrate.downgrade(empty_url, "base")
    assert await everything(engine) == set()

    await migrate.upgrade(empty_url)
    assert await everything(engine) == upgraded


async def test_upgrade_of_an_upgraded_database_changes_nothing(empty_url: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(empty_url)
    upgraded = await everything(engine)

    await migrate.upgrade(empty_url)

    assert await everything(engine) == upgraded


async def test_two_upgrades_at_once_are_one(empty_url: str, engine: AsyncEngine) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_url) for _ in range(4)))

    assert await migrate.current(empty_url) == migrate.head()
    assert await number(engine, "SELECT count(*) FROM outbox_shards") == 64


async def test_an_upgrade_that_fails_leaves_nothing(empty_url: str, engine: AsyncEngine) -> None:
    await change(engine, "CREATE TABLE dead_letters (id int)")
    before = await everything(engine)

    with pytest.raises(Exception, match="dead_letters"):
        await migrate.upgrade(empty_url)

    assert await everything(engine) == before
    assert await migrate.current(empty_url) is None


async def test_upgrade_runs_without_a_loop_too(empty_url: str) -> None:
    await asyncio.to_thread(lambda: asyncio.run(migrate.upgrade(empty_url)))

    await migrate.check(empty_url)


async def test_check_is_content_with_an_upgraded_database(empty_url: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(empty_url)
    async with engine.connect() as connection:
        await partitions.ensure_days(connection, date(2031, 5, 1), ahead=2)

    await migrate.check(empty_url)


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER TABLE flights ADD COLUMN colour text",
        "ALTER TABLE flights DROP COLUMN airline",
        "ALTER TABLE flights ALTER COLUMN seats_total TYPE bigint",
        "ALTER TABLE orders ALTER COLUMN reason SET NOT NULL",
        "ALTER TABLE payments ALTER COLUMN attempts SET DEFAULT 1",
        "ALTER TABLE tickets DROP CONSTRAINT uq_tickets_order_id_ordinal",
        "ALTER TABLE order_items DROP CONSTRAINT fk_order_items_order_id",
        "DROP INDEX ix_outbox_aggregateid",
        "CREATE TABLE outbox_archive_old ()",
        "DROP TABLE outbox_workers",
    ],
)
async def test_check_sees_drift(empty_url: str, engine: AsyncEngine, drift: str) -> None:
    await migrate.upgrade(empty_url)
    await change(engine, drift)

    with pytest.raises(migrate.SchemaDrift):
        await migrate.check(empty_url)


async def test_check_sees_a_database_that_is_behind(empty_url: str) -> None:
    with pytest.raises(migrate.SchemaDrift, match="not up to date"):
        await migrate.check(empty_url)


async def test_check_writes_nothing(empty_url: str, engine: AsyncEngine) -> None:
    await migrate.upgrade(empty_url)
    before = await everything(engine)

    await migrate.check(empty_url)

    assert await everything(engine) == before


async def test_a_server_that_is_away_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql+asyncpg://nobody@127.0.0.1:{taken.getsockname()[1]}/none"

        with pytest.raises(Unavailable, match="postgres"):
            await migrate.upgrade(url)
