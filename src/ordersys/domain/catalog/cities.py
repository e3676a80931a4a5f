"""The cities of the demo timetable, one airport each, with their names in English and Russian."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

EARTH_RADIUS_KM = 6371


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """`code`: IATA airport code. `timezone`: IANA name. `latitude`, `longitude`: degrees north and east."""

    code: str
    name: str
    name_ru: str
    timezone: str
    latitude: float
    longitude: float


def distance_km(one: City, other: City) -> float:
    """Returns the great-circle distance (haversine formula)."""
    north, east = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    chord = sin(north / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


def _city(code: str, name: str, name_ru: str, timezone: str, latitude: float, longitude: float) -> City:
    return City(code=code, name=name, name_ru=name_ru, timezone=timezone, latitude=latitude, longitude=longitude)


CITIES: Final[Mapping[str, City]] = {
    city.code: city
    for city in (
        _city("SVO", "Moscow", "Москва", "Europe/Moscow", 55.97, 37.41),
        _city("LED", "Saint Petersburg", "Санкт-Петербург", "Europe/Moscow", 59.80, 30.26),
        _city("AER", "Sochi", "Сочи", "Europe/Moscow", 43.45, 39.96),
        _city("KZN", "Kazan", "Казань", "Europe/Moscow", 55.61, 49.28),
        _city("SVX", "Yekaterinburg", "Екатеринбург", "Asia/Yekaterinburg", 56.74, 60.80),
        _city("OVB", "Novosibirsk", "Новосибирск", "Asia/Novosibirsk", 55.01, 82.65),
        _city("VVO", "Vladivostok", "Владивосток", "Asia/Vladivostok", 43.40, 132.15),
        _city("IST", "Istanbul", "Стамбул", "Europe/Istanbul", 41.26, 28.74),
        _city("DXB", "Dubai", "Дубай", "Asia/Dubai", 25.25, 55.36),
        _city("PEK", "Beijing", "Пекин", "Asia/Shanghai", 40.08, 116.58),
    )
}
