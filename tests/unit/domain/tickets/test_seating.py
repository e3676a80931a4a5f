import pytest

from ordersys.domain.tickets.seating import NoSeatOnBoard, SeatMap, seat_label
from tests.fakes.making import flight_id


@pytest.mark.parametrize(("number", "label"), [(1, "1A"), (6, "1F"), (7, "2A"), (180, "30F")])
def test_seats_are_lettered_in_rows_of_six(number: int, label: str) -> None:
    assert seat_label(number) == label


def test_no_two_seats_share_a_label() -> None:
    assert len({seat_label(number) for number in range(1, 601)}) == 600


def test_seats_are_taken_from_the_front() -> None:
    seats = SeatMap(flight_id=flight_id(1))

    assert [seats.take() for _ in range(3)] == [1, 2, 3]


def test_released_seats_are_taken_again_first_and_once() -> None:
    seats = SeatMap(flight_id=flight_id(1), next_seat=8, released=[5, 2])

    assert [seats.take() for _ in range(4)] == [2, 5, 8, 9]


def test_what_is_released_is_the_next_to_be_taken() -> None:
    seats = SeatMap(flight_id=flight_id(1))
    taken = [seats.take() for _ in range(4)]

    seats.release(taken[2])
    seats.release(taken[0])

    assert [seats.take() for _ in range(3)] == [1, 3, 5]


def test_no_seat_is_taken_that_the_flight_does_not_have() -> None:
    seats = SeatMap(flight_id=flight_id(1))
    assert [seats.take(2) for _ in range(2)] == [1, 2]

    with pytest.raises(NoSeatOnBoard):
        seats.take(2)

    seats.release(1)
    assert seats.take(2) == 1
