from collections.abc import Sequence
from typing import Protocol

from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.domain.shared.ids import FlightId


class Flights(Protocol):
    """Reads flights as they are now. Raises Unavailable when the store is away."""

    async def search(self, search: FlightSearch) -> Sequence[FlightView]:
        """In order of departure; sold out flights too, so that a customer sees them."""
        ...

    async def get(self, flight_id: FlightId) -> FlightView | None: ...
