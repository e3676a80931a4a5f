"""Chooses the flights of the generated orders."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import permutations
from typing import Final

from ordersys.domain.catalog.cities import CITIES
from ordersys.workshop.load.client import Api, FlightPayload

DAYS_AHEAD: Final = 60
# Every route is served at least once a week.
EMPTY_DAYS: Final = 7
# Others may buy at the same time.
SPARE: Final = 1.2


class NoFlights(Exception):
    """No flight has free seats."""


class FlightPool:
    """Assigns the seats of `width` flights in turn; a sold-out flight is replaced by another one.

    It counts the seats itself, so orders rarely hit a sold-out flight.
    """

    def __init__(self, flights: Iterable[FlightPayload], width: int) -> None:
        self._left = {flight.id: flight.seats_left for flight in flights if flight.seats_left > 0}
        self._reserve = list(self._left)
        self._active = [self._reserve.pop(0) for _ in range(min(width, len(self._reserve)))]
        self._turn = 0

    def take(self) -> str:
        """Returns the flight of the next order. Raises NoFlights if all are sold out."""
        if not self._active:
            raise NoFlights
        self._turn += 1
        flight = self._active[self._turn % len(self._active)]
        self._left[flight] -= 1
        if not self._left[flight]:
            self.sold_out(flight)
        return flight

    def sold_out(self, flight: str) -> None:
        if flight in self._active:
            place = self._active.index(flight)
            self._active[place : place + 1] = self._reserve[:1]
            del self._reserve[:1]


async def find(api: Api, today: date, *, flights: int, seats: int) -> Sequence[FlightPayload]:
    """Returns flights with free seats from tomorrow on: if possible `flights` flights, with spare seats above `seats`.

    Raises Unreachable, or NoFlights if no flight has free seats.
    """
    found: list[FlightPayload] = []
    for origin, destination in permutations(CITIES, 2):
        empty = 0
        for ahead in range(1, DAYS_AHEAD):
            if len(found) >= flights and sum(flight.seats_left for flight in found) >= seats * SPARE:
                return found
            offers = await api.flights(origin, destination, today + timedelta(days=ahead))
            found += [flight for flight in offers if flight.seats_left > 0]
            empty = 0 if offers else empty + 1
            if empty == EMPTY_DAYS:
                break
    if not found:
        raise NoFlights
    return found
