from datetime import UTC, date, datetime

import pytest

from ordersys.domain.catalog.errors import AirportInvalid, AirportsEqual, DayInvalid
from ordersys.domain.catalog.flight import FlightSearch
from ordersys.domain.shared.errors import Kind

DAY = date(2026, 12, 1)


def test_a_search_spans_the_calendar_day_in_utc() -> None:
    search = FlightSearch(origin="SVO", destination="LED", day=DAY)

    assert search.starts_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert search.ends_at == datetime(2026, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize("code", ["", "SV", "SVOX", "svo", "SV0", "СВО", "SVO\n", " SVO"])
@pytest.mark.parametrize("side", ["origin", "destination"])
def test_an_airport_code_is_three_latin_capitals(code: str, side: str) -> None:
    airports = {"origin": "SVO", "destination": "LED"} | {side: code}

    with pytest.raises(AirportInvalid) as refused:
        FlightSearch(**airports, day=DAY)

    assert (refused.value.code, refused.value.kind) == ("airport_invalid", Kind.INVALID)


def test_a_flight_goes_somewhere_else() -> None:
    with pytest.raises(AirportsEqual) as refused:
        FlightSearch(origin="SVO", destination="SVO", day=DAY)

    assert (refused.value.code, refused.value.kind) == ("airports_equal", Kind.INVALID)


@pytest.mark.parametrize("day", [datetime(2026, 12, 1, 15, tzinfo=UTC), date.max])
def test_a_moment_and_the_end_of_the_calendar_are_no_days_to_search_on(day: date) -> None:
    with pytest.raises(DayInvalid) as refused:
        FlightSearch(origin="SVO", destination="LED", day=day)

    assert (refused.value.code, refused.value.kind) == ("day_invalid", Kind.INVALID)


def test_the_first_day_of_the_calendar_can_be_searched() -> None:
    assert FlightSearch(origin="SVO", destination="LED", day=date.min).starts_at.year == 1
