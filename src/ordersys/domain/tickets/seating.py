"""Seat assignment: a ticket gets the lowest released seat, else the next seat that was never used."""

from dataclasses import dataclass, field
from typing import Final

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId

LETTERS: Final = "ABCDEF"


def seat_label(seat_number: int) -> str:
    """Returns the label of a seat: 1 is 1A, 6 is 1F, 7 is 2A."""
    row, place = divmod(seat_number - 1, len(LETTERS))
    return f"{row + 1}{LETTERS[place]}"


class NoSeatOnBoard(DomainError):
    """Every seat has a valid ticket: tickets of a cancelled order are not voided yet, and their seats were resold."""

    def __init__(self, flight_id: FlightId, seats: int) -> None:
        detail = f"All {seats} seats of flight {flight_id} have valid tickets."
        super().__init__("no_seat_on_board", Kind.CONFLICT, detail)


@dataclass(slots=True, kw_only=True)
class SeatMap:
    """The seats of one flight: those below `next_seat` were used, those in `released` are free again."""

    flight_id: FlightId
    next_seat: int = 1
    released: list[int] = field(default_factory=list)

    def take(self, capacity: int | None = None) -> int:
        """Returns the number of a free seat. Raises NoSeatOnBoard if `capacity` seats are taken; None: no limit."""
        if self.released:
            lowest = min(self.released)
            self.released.remove(lowest)
            return lowest
        if capacity is not None and self.next_seat > capacity:
            raise NoSeatOnBoard(self.flight_id, capacity)
        self.next_seat += 1
        return self.next_seat - 1

    def release(self, seat_number: int) -> None:
        """Makes the seat available again."""
        self.released.append(seat_number)
