"""The Flights port: one suite for the fake and for PostgreSQL, through the use cases that need it."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from ordersys.domain.catalog.errors import FlightNotFound
from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.domain.shared.errors import Unavailable
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres import tables
from ordersys.infrastructure.postgres.flight_reads import FlightReads
from ordersys.usecase.catalog.get_flight import GetFlight
from ordersys.usecase.catalog.ports import Flights
from ordersys.usecase.catalog.search_flights import SearchFlights
from tests.fakes.flights import FakeFlights

DAY = date(2026, 12, 1)
MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)
SEARCH = FlightSearch(origin="SVO", destination="LED", day=DAY)
SEATS = 100
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    flights: Flights
    put: Callable[[Sequence[FlightView]], Awaitable[None]]

    async def search(self, search: FlightSearch = SEARCH) -> Sequence[FlightView]:
        return await SearchFlights(flights=self.flights).execute(search)

    async def get(self, flight_id: FlightId) -> FlightView:
        return await GetFlight(flights=self.flights).execute(flight_id)


@pytest.fixture
async def fake() -> Catalog:
    flights = FakeFlights()
    return Catalog(flights=flights, put=flights.put)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Catalog]:
    engine = create_async_engine(database_url)

    async def put(views: Sequence[FlightView]) -> None:
        async with engine.begin() as connection:
            await connection.execute(insert(tables.flights), [row(view) for view in views])

    yield Catalog(flights=FlightReads(engine=engine), put=put)
    await engine.dispose()


@pytest.fixture(params=["fake", "real"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    chosen: Catalog = request.getfixturevalue(request.param)
    return chosen


def row(view: FlightView) -> dict[str, object]:
    return {
        "id": view.id,
        "airline": view.airline,
        "number": view.number,
        "origin": view.origin,
        "destination": view.destination,
        "departs_at": view.departs_at,
        "arrives_at": view.arrives_at,
        "price_amount": view.price.amount,
        "currency": view.price.currency,
        "seats_total": SEATS,
        "seats_taken": SEATS - view.seats_left,
    }


def flight(departs_at: datetime = MIDNIGHT + timedelta(hours=9), *, seats_left: int = SEATS) -> FlightView:
    number = next(_numbers)
    return FlightView(
        id=FlightId(UUID(int=number)),
        airline="Aeroflot",
        number=f"SU{number}",
        origin="SVO",
        destination="LED",
        departs_at=departs_at,
        arrives_at=departs_at + timedelta(minutes=85),
        price=Money(amount=540_000, currency="RUB"),
        seats_left=seats_left,
    )


async def test_an_empty_catalog_finds_nothing(catalog: Catalog) -> None:
    assert await catalog.search() == []


async def test_a_flight_is_found_as_it_is(catalog: Catalog) -> None:
    planned = flight()
    await catalog.put([planned])

    assert await catalog.search() == [planned]


async def test_flights_come_in_order_of_departure_then_of_id(catalog: Catalog) -> None:
    evening, morning, noon, noon_too = (flight(MIDNIGHT + timedelta(hours=hour)) for hour in (20, 6, 12, 12))
    await catalog.put([evening, noon_too, morning, noon])

    assert await catalog.search() == [morning, noon, noon_too, evening]


async def test_the_day_is_that_of_utc_from_midnight_to_midnight(catalog: Catalog) -> None:
    instant = timedelta(microseconds=1)
    before, first, last, after = (
        flight(moment)
        for moment in (
            MIDNIGHT - instant,
            MIDNIGHT,
            MIDNIGHT + timedelta(days=1) - instant,
            MIDNIGHT + timedelta(days=1),
        )
    )
    await catalog.put([before, first, last, after])

    assert await catalog.search() == [first, last]


async def test_other_routes_and_the_way_back_are_not_found(catalog: Catalog) -> None:
    await catalog.put(
        [
            replace(flight(), origin="LED", destination="SVO"),
            replace(flight(), destination="AER"),
            replace(flight(), origin="KZN"),
        ]
    )

    assert await catalog.search() == []


async def test_a_flight_with_seats_sold_shows_what_is_left(catalog: Catalog) -> None:
    full, nearly_full = flight(seats_left=0), flight(seats_left=3)
    await catalog.put([full, nearly_full])

    assert [found.seats_left for found in await catalog.search()] == [0, 3]


async def test_the_ends_of_the_calendar_find_nothing(catalog: Catalog) -> None:
    for day in (date.min, date.max - timedelta(days=1)):
        assert await catalog.search(replace(SEARCH, day=day)) == []


async def test_a_flight_is_got_by_its_id(catalog: Catalog) -> None:
    planned, other = flight(), flight()
    await catalog.put([planned, other])

    assert await catalog.get(planned.id) == planned


async def test_an_unknown_flight_is_not_found(catalog: Catalog) -> None:
    await catalog.put([flight()])

    with pytest.raises(FlightNotFound):
        await catalog.get(FlightId(UUID(int=0)))


async def test_times_come_back_in_utc(catalog: Catalog) -> None:
    await catalog.put([flight()])

    found = (await catalog.search())[0]

    assert found.departs_at.utcoffset() == found.arrives_at.utcoffset() == timedelta(0)


async def test_a_store_that_is_away_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        engine = create_async_engine(f"postgresql+asyncpg://nobody@127.0.0.1:{taken.getsockname()[1]}/none")

        with pytest.raises(Unavailable, match="postgres"):
            await FlightReads(engine=engine).search(SEARCH)
