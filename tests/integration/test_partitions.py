"""The archive has its days made ahead of time: by any number of workers, in nobody's way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.infrastructure.postgres.partitions import ensure_days
from ordersys.infrastructure.postgres.tables import outbox_archive

# Far beyond the days that the migration makes.
TODAY = date(2031, 5, 1)
SECONDS = 10


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url)
    yield engine
    await engine.dispose()


def days(count: int) -> Sequence[date]:
    return [TODAY + timedelta(days=n) for n in range(count)]


def archived(row_id: int, published_at: datetime) -> dict[str, object]:
    return {
        "id": row_id,
        "event_id": UUID(int=row_id),
        "aggregatetype": "orders",
        "aggregateid": UUID(int=row_id),
        "type": "ordersys.OrderCreated.v1",
        "payload": "{}",
        "headers": {},
        "occurred_at": published_at,
        "topic": "ordersys.orders",
        "partition": 0,
        "offset": row_id,
        "attempts": 1,
        "published_at": published_at,
    }


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


async def archive(engine: AsyncEngine, *moments: datetime) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(outbox_archive), [archived(n, moment) for n, moment in enumerate(moments, 1)])


async def ensure(engine: AsyncEngine, ahead: int = 2) -> Sequence[date]:
    async with asyncio.timeout(SECONDS), engine.connect() as connection:
        return await ensure_days(connection, TODAY, ahead)


async def rows_by_partition(engine: AsyncEngine) -> dict[str, int]:
    statement = text("SELECT tableoid::regclass::text AS day, count(*) AS total FROM outbox_archive GROUP BY 1")
    async with engine.connect() as connection:
        return {row.day: row.total for row in await connection.execute(statement)}


async def test_missing_days_are_made_once(engine: AsyncEngine) -> None:
    assert await ensure(engine, ahead=2) == days(3)
    assert await ensure(engine, ahead=2) == []
    assert await ensure(engine, ahead=3) == days(4)[3:]


async def test_a_day_takes_its_rows_from_midnight_to_midnight_utc(engine: AsyncEngine) -> None:
    await ensure(engine, ahead=0)
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    instant, day = timedelta(microseconds=1), timedelta(days=1)

    await archive(engine, midnight - instant, midnight, midnight + day - instant, midnight + day)

    assert await rows_by_partition(engine) == {"outbox_archive_20310501": 2, "outbox_archive_default": 2}


async def test_rows_that_came_too_early_move_to_their_day(engine: AsyncEngine) -> None:
    first, second, third = days(3)
    await archive(engine, noon(first), noon(first), noon(second), noon(third))

    assert await ensure(engine, ahead=1) == [first, second]

    assert await rows_by_partition(engine) == {
        "outbox_archive_20310501": 2,
        "outbox_archive_20310502": 1,
        "outbox_archive_default": 1,
    }


async def test_many_workers_make_each_day_once(engine: AsyncEngine) -> None:
    await archive(engine, *map(noon, days(4)))

    made = await asyncio.gather(*(ensure(engine, ahead=3) for _ in range(5)))

    assert sorted(day for each in made for day in each) == days(4)
    assert "outbox_archive_default" not in await rows_by_partition(engine)


async def test_a_lock_that_is_not_to_be_had_is_left_for_the_next_call(engine: AsyncEngine) -> None:
    async with engine.begin() as other:
        await other.execute(text("LOCK TABLE outbox_archive_default IN ACCESS SHARE MODE"))
        assert await ensure(engine) == []

    assert await ensure(engine) == days(3)


async def test_days_are_made_while_others_archive_and_read(engine: AsyncEngine) -> None:
    """An open transaction that wrote to one day and read another holds locks on the whole table."""
    await ensure(engine, ahead=0)
    async with engine.begin() as other:
        await other.execute(insert(outbox_archive), [archived(1, noon(TODAY))])
        await other.execute(text("SELECT count(*) FROM ONLY outbox_archive"))

        assert await ensure(engine, ahead=1) == days(2)[1:]


async def test_a_new_day_has_the_index_of_the_archive(engine: AsyncEngine) -> None:
    await ensure(engine, ahead=0)

    async with engine.connect() as connection:
        indexed = await connection.scalar(
            text(
                "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'outbox_archive_20310501'::regclass"
            )
        )

    assert indexed.endswith("(aggregateid)")
