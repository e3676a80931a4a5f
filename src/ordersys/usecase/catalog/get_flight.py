from dataclasses import dataclass

from ordersys.domain.catalog.errors import FlightNotFound
from ordersys.domain.catalog.flight import FlightView
from ordersys.domain.shared.ids import FlightId
from ordersys.usecase.catalog.ports import Flights


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFlight:
    flights: Flights

    async def execute(self, flight_id: FlightId) -> FlightView:
        flight = await self.flights.get(flight_id)
        if flight is None:
            raise FlightNotFound(flight_id)
        return flight
