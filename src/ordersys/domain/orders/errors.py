"""Why an order is refused. The codes are public (CONTRACT, HTTP)."""

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money


class SoldOut(DomainError):
    def __init__(self, flight_id: FlightId, wanted: int, left: int) -> None:
        super().__init__(
            "sold_out", Kind.CONFLICT, f"flight {flight_id} has {left} seats left, {wanted} were asked for"
        )


class PriceChanged(DomainError):
    def __init__(self, expected: Money, actual: Money) -> None:
        detail = f"the total is {actual.amount} {actual.currency}, not {expected.amount} {expected.currency}"
        super().__init__("price_changed", Kind.CONFLICT, detail)


class FlightUnknown(DomainError):
    def __init__(self, flight_id: FlightId) -> None:
        super().__init__("flight_unknown", Kind.INVALID, f"there is no flight {flight_id}")


class FlightDeparted(DomainError):
    def __init__(self, flight_id: FlightId) -> None:
        super().__init__("flight_departed", Kind.INVALID, f"flight {flight_id} has departed")


class CurrenciesMixed(DomainError):
    def __init__(self) -> None:
        super().__init__("currencies_mixed", Kind.INVALID, "all flights of one order must be sold in one currency")


class TooManySeats(DomainError):
    def __init__(self, wanted: int, limit: int) -> None:
        super().__init__("too_many_seats", Kind.INVALID, f"{wanted} seats were asked for; one order may hold {limit}")


class SeatsMissing(DomainError):
    def __init__(self) -> None:
        super().__init__("seats_missing", Kind.INVALID, "every item takes at least one seat")


class TooManyItems(DomainError):
    def __init__(self, wanted: int, limit: int) -> None:
        super().__init__("too_many_items", Kind.INVALID, f"an order takes 1 to {limit} items, {wanted} were given")


class IllegalMove(DomainError):
    def __init__(self, status: str, move: str) -> None:
        super().__init__("illegal_move", Kind.CONFLICT, f"an order that is {status} cannot {move.replace('_', ' ')}")
