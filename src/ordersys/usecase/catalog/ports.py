from collections.abc import Sequence
from typing import Protocol

from ordersys.domain.catalog.flight import FlightSearch, FlightView
from ordersys.domain.shared.ids import FlightId


class Flights(Protocol):
    """Reads the current flights. Raises Unavailable."""

    async def search(self, search: FlightSearch) -> Sequence[FlightView]:
        """Returns the flights in order of departure, including sold-out ones, so that customers see them."""
        ...

    async def get(self, flight_id: FlightId) -> FlightView | None: ...
