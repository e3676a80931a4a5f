"""Which flight an order is for."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import permutations
from typing import Final

from ordersys.domain.catalog.cities import CITIES
from ordersys.workshop.load.client import Api, FlightPayload

DAYS_AHEAD: Final = 60
# No line flies less than once a week.
EMPTY_DAYS: Final = 7
# Others may buy at the same time.
SPARE: Final = 1.2


class NoFlights(Exception):
    """There is no flight with free seats (left)."""


class FlightPool:
    """Deals out the seats of `width` flights in turn; one that is sold out is replaced by the next of the others.

    It keeps count itself, so hardly any order meets a sold out flight.
    """

    def __init__(self, flights: Iterable[FlightPayload], width: int) -> None:
        self._closing_steps = {flight.id: flight.seats_left for flight in flights if flight.seats_left > 0}
        self._reserve = list(self._closing_steps)
        self._active = [self._reserve.pop(0) for _ in range(min(width, len(self._reserve)))]
        self._turn = 0

    def take(self) -> str:
        """The flight of the next order. Raises NoFlights when all are sold out."""
        if not self._active:
            raise NoFlights
        self._turn += 1
        flight = self._active[self._turn % len(self._active)]
        self._closing_steps[flight] -= 1
        if not self._closing_steps[flight]:
            self.sold_out(flight)
        return flight

    def sold_out(self, flight: str) -> None:
        if flight in self._active:
            place = self._active.index(flight)
            self._active[place : place + 1] = self._reserve[:1]
            del self._reserve[:1]


async def find(api: Api, today: date, *, flights: int, seats: int) -> Sequence[FlightPayload]:
    """Flights with free seats from tomorrow on: so many flights, and some more seats than asked for, if there are.

    Raises Unreachable, and NoFlights when there is none at all.
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
