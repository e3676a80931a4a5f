"""Reads flights for customers: one statement, no lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.tables import flights

_VIEW = select(flights, (flights.c.seats_total - flights.c.seats_taken).label("seats_left"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightReads:
    """Implements usecase.catalog.ports.Flights."""

    engine: AsyncEngine

    async def search(self, search: FlightSearch) -> Sequence[FlightView]:
        return await self._fetch(statement_of(search))

    async def get(self, flight_id: FlightId) -> FlightView | None:
        found = await self._fetch(_VIEW.where(flights.c.id == flight_id))
        return found[0] if found else None

    async def _fetch(self, statement: Select[Any]) -> Sequence[FlightView]:
        with translated():
            async with self.engine.connect() as connection:
                return [_view(row) for row in await connection.execute(statement)]


def statement_of(search: FlightSearch) -> Select[Any]:
    departs_at = flights.c.departs_at
    return _VIEW.where(
        flights.c.origin == search.origin,
        flights.c.destination == search.destination,
        departs_at >= search.starts_at,
        departs_at < search.ends_at,
    ).order_by(departs_at, flights.c.id)


def _view(row: Row[Any]) -> FlightView:
    return FlightView(
        id=FlightId(row.id),
        airline=row.airline,
        number=row.number,
        origin=row.origin,
        destination=row.destination,
        departs_at=row.departs_at,
        arrives_at=row.arrives_at,
        price=Money(amount=row.price_amount, currency=row.currency),
        seats_left=row.seats_left,
    )
