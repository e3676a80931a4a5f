"""Flight routes; public."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import FromPath, QueryParameter, SkipValidation
from msgspec import Struct, field

from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money
from ordersys.entrypoint.http.refusals import refusals
from ordersys.usecase.catalog.get_flight import GetFlight
from ordersys.usecase.catalog.search_flights import SearchFlights


class Flight(Struct, frozen=True, kw_only=True):
    """`price`: for one seat. Times are UTC."""

    id: UUID
    airline: str
    number: str
    origin: str = field(name="from")
    destination: str = field(name="to")
    departs_at: datetime
    arrives_at: datetime
    price: Money
    seats_left: int


class FlightList(Struct, frozen=True, kw_only=True):
    items: Sequence[Flight]


def _airport(name: str, example: str) -> QueryParameter:
    """Returns a parameter whose pattern is documentation only: the domain refuses a bad airport with its own code."""
    return QueryParameter(
        name=name,
        description="IATA airport code.",
        examples=[Example(value=example)],
        schema_extra={"pattern": "^[A-Z]{3}$"},
    )


@get(
    "/",
    summary="Search the flights of one day (UTC)",
    responses=refusals("invalid_request", "airport_invalid", "airports_equal", "day_invalid"),
)
async def search_flights(
    search_flights: NamedDependency[SkipValidation[SearchFlights]],
    origin: Annotated[str, _airport("from", "SVO")],
    destination: Annotated[str, _airport("to", "LED")],
    date: Annotated[
        date, QueryParameter(description="Day of departure, in UTC.", examples=[Example(value="2026-12-01")])
    ],
) -> FlightList:
    found = await search_flights.execute(FlightSearch(origin=origin, destination=destination, day=date))
    return FlightList(items=[_flight(view) for view in found])


@get("/{flight_id:uuid}", summary="Get a flight", responses=refusals("not_found", "flight_not_found"))
async def get_flight(flight_id: FromPath[UUID], get_flight: NamedDependency[SkipValidation[GetFlight]]) -> Flight:
    return _flight(await get_flight.execute(FlightId(flight_id)))


FLIGHT_ROUTES = Router(
    "/flights", route_handlers=[search_flights, get_flight], tags=["flights"], opt={"exclude_from_auth": True}
)


def _flight(view: FlightView) -> Flight:
    return Flight(
        id=view.id,
        airline=view.airline,
        number=view.number,
        origin=view.origin,
        destination=view.destination,
        departs_at=view.departs_at,
        arrives_at=view.arrives_at,
        price=view.price,
        seats_left=view.seats_left,
    )
