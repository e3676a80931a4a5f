from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from ordersys.domain.catalog.cities import CITIES, distance_km
from ordersys.infrastructure.postgres.timetable import Planned, draw

TODAY = date(2026, 11, 23)
WINDOW = [TODAY + timedelta(days=n) for n in range(60)]
PLANNED = [plan for day in WINDOW for plan in draw(7, day)]


def kilometres(planned: Planned) -> float:
    return distance_km(CITIES[planned.flight.origin], CITIES[planned.flight.destination])


def average_price(plans: Iterable[Planned]) -> float:
    amounts = [plan.flight.price.amount for plan in plans]
    return sum(amounts) / len(amounts)


def test_a_day_is_drawn_the_same_whenever_it_is_drawn() -> None:
    assert list(draw(7, TODAY)) == list(draw(7, TODAY))


def test_another_number_draws_another_day() -> None:
    ids = {plan.flight.id for plan in draw(7, TODAY)}

    assert ids.isdisjoint(plan.flight.id for plan in draw(8, TODAY))


def test_no_two_flights_share_an_id_or_a_number_and_a_moment() -> None:
    assert len({plan.flight.id for plan in PLANNED}) == len(PLANNED)
    assert len({(plan.flight.number, plan.flight.departs_at) for plan in PLANNED}) == len(PLANNED)


def test_ids_are_shaped_as_uuid7() -> None:
    assert {plan.flight.id.version for plan in PLANNED} == {7}
    assert {plan.flight.id.variant for plan in PLANNED} == {"specified in RFC 4122"}


def test_flights_depart_on_their_day_in_utc() -> None:
    for day in WINDOW:
        assert {plan.flight.departs_at.date() for plan in draw(7, day)} == {day}


@pytest.mark.parametrize("number", [1, 20261123])
def test_flights_depart_between_early_morning_and_late_evening(number: int) -> None:
    for plan in draw(number, TODAY):
        local = plan.flight.departs_at.astimezone(ZoneInfo(CITIES[plan.flight.origin].timezone))
        assert 6 <= local.hour <= 21


def test_every_route_flies_on_most_days_and_both_ways() -> None:
    flown = defaultdict(set)
    for plan in PLANNED:
        flown[plan.flight.origin, plan.flight.destination].add(plan.flight.departs_at.date())

    assert all((destination, origin) in flown for origin, destination in flown)
    assert min(len(days) for days in flown.values()) >= 40
    assert len(flown["SVO", "LED"]) == len(flown["LED", "SVO"]) == len(WINDOW)


def test_there_are_some_hundred_flights_between_all_cities() -> None:
    assert 600 <= len(PLANNED) <= 900
    assert {plan.flight.origin for plan in PLANNED} == set(CITIES)


def test_a_number_keeps_its_hour_and_its_aircraft() -> None:
    per_number = Counter((plan.flight.number, plan.flight.departs_at.time(), plan.seats) for plan in PLANNED)

    assert len(per_number) == len({plan.flight.number for plan in PLANNED})


def test_aircraft_hold_100_to_400_and_start_empty() -> None:
    assert all(100 <= plan.seats <= 400 and plan.flight.seats_left == plan.seats for plan in PLANNED)


def test_time_and_money_grow_with_distance() -> None:
    near = [plan for plan in PLANNED if kilometres(plan) < 1_000]
    far = [plan for plan in PLANNED if kilometres(plan) > 6_000]

    assert timedelta(hours=1) < near[0].flight.arrives_at - near[0].flight.departs_at < timedelta(hours=2)
    assert timedelta(hours=8) < far[0].flight.arrives_at - far[0].flight.departs_at < timedelta(hours=9, minutes=30)
    assert 3_000_00 < average_price(near) < 7_000_00
    assert 20_000_00 < average_price(far) < 40_000_00


def test_prices_are_whole_tens_of_roubles() -> None:
    assert all(plan.flight.price.currency == "RUB" and plan.flight.price.amount % 1_000 == 0 for plan in PLANNED)
