from collections.abc import Sequence
from dataclasses import dataclass

from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.usecase.catalog.ports import Flights


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFlights:
    """Returns the flights that depart on one calendar day in UTC, in order of departure."""

    flights: Flights

    async def execute(self, query: FlightSearch) -> Sequence[FlightView]:
        return await self.flights.search(query)
