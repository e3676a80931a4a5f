"""The demo flights in a real table: the same number fills it the same way, and never twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.domain.catalog.flight import FlightSearch
from ordersys.infrastructure.postgres.flight_reads import FlightReads, statement_of
from ordersys.infrastructure.postgres.seed import seed
from ordersys.infrastructure.postgres.tables import flights

TODAY = date(2026, 11, 23)
NUMBER = 7


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url)
    yield engine
    await engine.dispose()


async def rows(engine: AsyncEngine) -> Sequence[Row[tuple[object, ...]]]:
    async with engine.connect() as connection:
        return (await connection.execute(select(flights).order_by(flights.c.id))).all()


async def test_some_hundred_flights_are_written(engine: AsyncEngine, database_url: str) -> None:
    written = await seed(database_url, number=NUMBER, today=TODAY)

    assert 600 <= written <= 900
    assert len(await rows(engine)) == written


async def test_the_same_number_draws_the_same_flights(engine: AsyncEngine, database_url: str) -> None:
    await seed(database_url, number=NUMBER, today=TODAY)
    first = await rows(engine)
    async with engine.begin() as connection:
        await connection.execute(delete(flights))

    await seed(database_url, number=NUMBER, today=TODAY)

    assert await rows(engine) == first


async def test_the_same_number_on_the_same_day_adds_nothing(engine: AsyncEngine, database_url: str) -> None:
    await seed(database_url, number=NUMBER, today=TODAY)
    first = await rows(engine)

    assert await seed(database_url, number=NUMBER, today=TODAY) == 0
    assert await rows(engine) == first


async def test_two_at_once_are_one(engine: AsyncEngine, database_url: str) -> None:
    written = await asyncio.gather(*(seed(database_url, number=NUMBER, today=TODAY, days=5) for _ in range(3)))

    assert sorted(written) == [0, 0, len(await rows(engine))]


async def test_a_later_day_extends_the_window(engine: AsyncEngine, database_url: str) -> None:
    await seed(database_url, number=NUMBER, today=TODAY, days=10)
    first = await rows(engine)

    added = await seed(database_url, number=NUMBER, today=TODAY + timedelta(days=3), days=10)

    after = await rows(engine)
    assert added > 0
    assert len(after) == len(first) + added
    assert set(first) <= set(after)
    assert {row.departs_at.date() for row in set(after) - set(first)} == {
        TODAY + timedelta(days=n) for n in (11, 12, 13)
    }


async def test_seats_that_were_sold_stay_sold(engine: AsyncEngine, database_url: str) -> None:
    await seed(database_url, number=NUMBER, today=TODAY, days=1)
    async with engine.begin() as connection:
        await connection.execute(update(flights).values(seats_taken=5))

    await seed(database_url, number=NUMBER, today=TODAY, days=2)

    async with engine.connect() as connection:
        taken = await connection.scalars(select(flights.c.seats_taken).where(func.date(flights.c.departs_at) <= TODAY))
        assert set(taken) == {5}


async def test_another_number_adds_other_flights(engine: AsyncEngine, database_url: str) -> None:
    first = await seed(database_url, number=NUMBER, today=TODAY, days=5)

    assert await seed(database_url, number=NUMBER + 1, today=TODAY, days=5) > 0.9 * first


@pytest.mark.parametrize("ahead", [0, 1, 30, 60])
async def test_a_search_on_any_coming_day_finds_flights(engine: AsyncEngine, database_url: str, ahead: int) -> None:
    await seed(database_url, number=NUMBER, today=TODAY)

    for origin, destination in (("SVO", "LED"), ("LED", "SVO")):
        search = FlightSearch(origin=origin, destination=destination, day=TODAY + timedelta(days=ahead))
        assert len(await FlightReads(engine=engine).search(search)) >= 2


async def test_search_uses_its_index(engine: AsyncEngine, database_url: str) -> None:
    for number in range(5):
        await seed(database_url, number=number, today=TODAY)
    search = statement_of(FlightSearch(origin="SVO", destination="LED", day=TODAY))
    literal = str(search.compile(engine.sync_engine, compile_kwargs={"literal_binds": True}))

    async with engine.begin() as connection:
        await connection.exec_driver_sql("ANALYZE flights")
        plan = "\n".join((await connection.exec_driver_sql(f"EXPLAIN {literal}")).scalars())

    assert "ix_flights_origin_destination_departs_at" in plan
    assert "Seq Scan" not in plan
    assert "Filter" not in plan
