"""Errors of the catalog. Their codes are public."""

from datetime import date

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId


class FlightNotFound(DomainError):
    def __init__(self, flight_id: FlightId) -> None:
        super().__init__("flight_not_found", Kind.NOT_FOUND, f"Flight {flight_id} does not exist.")


class AirportInvalid(DomainError):
    def __init__(self, airport: str) -> None:
        super().__init__(
            "airport_invalid", Kind.INVALID, f"Invalid airport {airport!r}; expected an IATA code of three letters A-Z."
        )


class AirportsEqual(DomainError):
    def __init__(self, airport: str) -> None:
        super().__init__(
            "airports_equal", Kind.INVALID, f"Origin and destination are both {airport}; they must differ."
        )


class DayInvalid(DomainError):
    def __init__(self, day: date) -> None:
        super().__init__("day_invalid", Kind.INVALID, f"Flights cannot be searched for {day}.")
