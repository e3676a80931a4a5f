from collections.abc import Sequence
from dataclasses import dataclass, field

from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.domain.shared.ids import FlightId


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeFlights:
    """usecase.catalog.ports.Flights in memory; tests/contract/test_flights.py holds it to what PostgreSQL does."""

    known: dict[FlightId, FlightView] = field(default_factory=dict)

    async def put(self, flights: Sequence[FlightView]) -> None:
        self.known.update((flight.id, flight) for flight in flights)

    async def search(self, search: FlightSearch) -> Sequence[FlightView]:
        found = (flight for flight in self.known.values() if _matches(flight, search))
        return sorted(found, key=lambda flight: (flight.departs_at, flight.id))

    async def get(self, flight_id: FlightId) -> FlightView | None:
        return self.known.get(flight_id)


def _matches(flight: FlightView, search: FlightSearch) -> bool:
    on_route = (flight.origin, flight.destination) == (search.origin, search.destination)
    return on_route and search.starts_at <= flight.departs_at < search.ends_at
