import re
from zoneinfo import ZoneInfo

import pytest

from ordersys.domain.catalog.cities import CITIES, City, distance_km


@pytest.mark.parametrize("city", CITIES.values(), ids=CITIES)
def test_a_city_has_a_code_two_names_and_a_place(city: City) -> None:
    assert CITIES[city.code] is city
    assert re.fullmatch(r"[A-Z]{3}", city.code)
    assert re.fullmatch(r"[A-Z][A-Za-z ]+", city.name)
    assert re.fullmatch(r"[А-Я][а-яА-Я -]+", city.name_ru)
    assert ZoneInfo(city.timezone).key == city.timezone
    assert -90 <= city.latitude <= 90
    assert -180 <= city.longitude <= 180


def test_distance_is_that_of_the_great_circle() -> None:
    assert distance_km(CITIES["SVO"], CITIES["LED"]) == pytest.approx(600, rel=0.02)
    assert distance_km(CITIES["SVO"], CITIES["VVO"]) == pytest.approx(6_400, rel=0.02)


def test_distance_is_the_same_both_ways_and_none_to_itself() -> None:
    assert distance_km(CITIES["DXB"], CITIES["SVO"]) == distance_km(CITIES["SVO"], CITIES["DXB"])
    assert distance_km(CITIES["SVO"], CITIES["SVO"]) == 0
