"""Reasons to refuse an order. Their codes are public (docs/reference/http.md)."""

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money


class SoldOut(DomainError):
    def __init__(self, flight_id: FlightId, wanted: int, left: int) -> None:
        super().__init__(
            "sold_out", Kind.CONFLICT, f"Flight {flight_id} has {left} seats left; {wanted} were requested."
        )


class PriceChanged(DomainError):
    def __init__(self, expected: Money, actual: Money) -> None:
        detail = f"The total is {actual.amount} {actual.currency}, not {expected.amount} {expected.currency}."
        super().__init__("price_changed", Kind.CONFLICT, detail)


class FlightUnknown(DomainError):
    def __init__(self, flight_id: FlightId) -> None:
        super().__init__("flight_unknown", Kind.INVALID, f"Flight {flight_id} does not exist.")


class FlightDeparted(DomainError):
    def __init__(self, flight_id: FlightId) -> None:
        super().__init__("flight_departed", Kind.INVALID, f"Flight {flight_id} has departed.")


class CurrenciesMixed(DomainError):
    def __init__(self) -> None:
        super().__init__("currencies_mixed", Kind.INVALID, "All flights of an order must have the same currency.")


class TooManySeats(DomainError):
    def __init__(self, wanted: int, limit: int) -> None:
        super().__init__(
            "too_many_seats", Kind.INVALID, f"{wanted} seats were requested; an order takes at most {limit}."
        )


class SeatsMissing(DomainError):
    def __init__(self) -> None:
        super().__init__("seats_missing", Kind.INVALID, "Each item needs at least one seat.")


class TooManyItems(DomainError):
    def __init__(self, wanted: int, limit: int) -> None:
        super().__init__("too_many_items", Kind.INVALID, f"{wanted} items were requested; an order takes 1 to {limit}.")


class IllegalMove(DomainError):
    def __init__(self, status: str, move: str) -> None:
        super().__init__("illegal_move", Kind.CONFLICT, f"Status {status} does not allow {move.replace('_', ' ')}.")
