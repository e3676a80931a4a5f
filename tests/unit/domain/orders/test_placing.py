from datetime import timedelta

import pytest

from ordersys.domain.orders.errors import (
    CurrenciesMixed,
    FlightDeparted,
    FlightUnknown,
    PriceChanged,
    SeatsMissing,
    SoldOut,
    TooManyItems,
    TooManySeats,
)
from ordersys.domain.orders.placing import Limits, Offer, SeatHolds, SeatRequest
from ordersys.domain.shared.errors import DomainError, Kind
from tests.fakes.clock import NOON
from tests.fakes.making import flight_id, offer, rub, want

LIMITS = Limits(max_items=2, max_seats=5)


def holds(*offers: Offer) -> SeatHolds:
    return SeatHolds(offers={one.flight_id: one for one in offers})


def test_an_order_costs_seats_times_price_over_all_flights() -> None:
    items, total = holds(offer(1, price=1000), offer(2, price=250)).hold([want(1, 2), want(2, 3)], None, NOON)

    assert total == rub(2750)
    assert [(item.seats, item.unit_price) for item in items] == [(2, rub(1000)), (3, rub(250))]


def test_the_last_seats_can_be_held() -> None:
    flights = holds(offer(left=3))

    flights.hold([want(seats=3)], None, NOON)

    assert flights.held == {flight_id(1): 3}


def test_what_one_order_holds_is_gone_for_the_next() -> None:
    flights = holds(offer(left=3))
    flights.hold([want(seats=2)], None, NOON)

    with pytest.raises(SoldOut, match="1 seats left; 2 were requested"):
        flights.hold([want(seats=2)], None, NOON)


def test_a_sold_out_leg_holds_nothing_on_the_others() -> None:
    flights = holds(offer(1, left=5), offer(2, left=0))

    with pytest.raises(SoldOut):
        flights.hold([want(1), want(2)], None, NOON)

    assert flights.held == {}


def test_one_flight_twice_in_an_order_counts_together() -> None:
    with pytest.raises(SoldOut, match="3 seats left; 4 were requested"):
        holds(offer(left=3)).hold([want(seats=2), want(seats=2)], None, NOON)


def test_the_expected_total_is_held_to() -> None:
    flights = holds(offer(price=1000))

    with pytest.raises(PriceChanged, match="1000 RUB, not 999 RUB"):
        flights.hold([want()], rub(999), NOON)

    assert flights.held == {}
    assert flights.hold([want()], rub(1000), NOON)[1] == rub(1000)


def test_currencies_are_not_added_up() -> None:
    with pytest.raises(CurrenciesMixed):
        holds(offer(1), offer(2, currency="EUR")).hold([want(1), want(2)], None, NOON)


def test_an_unknown_flight_is_named() -> None:
    with pytest.raises(FlightUnknown, match=str(flight_id(9))):
        holds(offer(1)).hold([want(1), want(9)], None, NOON)


@pytest.mark.parametrize(("ahead", "refused"), [(timedelta(0), True), (timedelta(microseconds=1), False)])
def test_a_flight_is_sold_until_it_departs(ahead: timedelta, refused: bool) -> None:
    flights = holds(offer(departs_at=NOON + ahead))

    if refused:
        with pytest.raises(FlightDeparted):
            flights.hold([want()], None, NOON)
    else:
        assert flights.hold([want()], None, NOON)


@pytest.mark.parametrize("wanted", [[want(1, 5)], [want(1, 4), want(2, 1)]])
def test_an_order_may_be_as_big_as_its_limits(wanted: list[SeatRequest]) -> None:
    LIMITS.check(wanted)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ([], TooManyItems),
        ([want(1), want(2), want(3)], TooManyItems),
        ([want(1, 6)], TooManySeats),
        ([want(1, 3), want(2, 3)], TooManySeats),
        ([want(1, 0)], SeatsMissing),
        ([want(1, 4), want(2, -1)], SeatsMissing),
    ],
)
def test_an_order_beyond_its_limits_is_invalid(wanted: list[SeatRequest], error: type[DomainError]) -> None:
    with pytest.raises(error) as refused:
        LIMITS.check(wanted)

    assert refused.value.kind is Kind.INVALID
