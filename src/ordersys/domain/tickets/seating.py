"""Which seat does a ticket get? The lowest seat that was given back, else the next one never used."""

from dataclasses import dataclass, field
from typing import Final

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId

LETTERS: Final = "ABCDEF"


def seat_label(seat_number: int) -> str:
    """Seat 1 is 1A, seat 6 is 1F, seat 7 is 2A."""
    row, place = divmod(seat_number - 1, len(LETTERS))
    return f"{row + 1}{LETTERS[place]}"


class NoSeatOnBoard(DomainError):
    """Tickets of a cancelled order still hold the seats that were sold again; once they are void there is room."""

    def __init__(self, flight_id: FlightId, seats: int) -> None:
        detail = f"all {seats} seats of flight {flight_id} are on tickets that are still valid"
        super().__init__("no_seat_on_board", Kind.CONFLICT, detail)


@dataclass(slots=True, kw_only=True)
class SeatMap:
    """The seats of one flight: those below `next_seat` were used once, `released` are free again. `seats`: how many
    there are, None for a flight that is not known here.
    """

    flight_id: FlightId
    seats: int | None = None
    next_seat: int = 1
    released: list[int] = field(default_factory=list)

    def take(self) -> int:
        """The number of a seat that nobody holds. Raises NoSeatOnBoard."""
        if self.released:
            lowest = min(self.released)
            self.released.remove(lowest)
            return lowest
        if self.seats is not None and self.next_seat > self.seats:
            raise NoSeatOnBoard(self.flight_id, self.seats)
        self.next_seat += 1
        return self.next_seat - 1

    def release(self, seat_number: int) -> None:
        """The seat may be taken again."""
        self.released.append(seat_number)
