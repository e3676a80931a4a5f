"""Why the catalog has no answer. The codes are public."""

from datetime import date

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId


class FlightNotFound(DomainError):
    def __init__(self, flight_id: FlightId) -> None:
        super().__init__("flight_not_found", Kind.NOT_FOUND, f"there is no flight {flight_id}")


class AirportInvalid(DomainError):
    def __init__(self, airport: str) -> None:
        super().__init__("airport_invalid", Kind.INVALID, f"{airport!r} is no airport code: three letters A-Z")


class AirportsEqual(DomainError):
    def __init__(self, airport: str) -> None:
        super().__init__("airports_equal", Kind.INVALID, f"a flight from {airport} to {airport} goes nowhere")


class DayInvalid(DomainError):
    def __init__(self, day: date) -> None:
        super().__init__("day_invalid", Kind.INVALID, f"{day} is no day to search flights on")
