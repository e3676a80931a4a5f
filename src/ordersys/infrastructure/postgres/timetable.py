"""The demo timetable, generated from a seed number.

A flight depends only on the seed number, its flight number and its day, so overlapping timetables agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from ordersys.domain.catalog.cities import CITIES, City, distance_km
from ordersys.domain.catalog.flight import FlightView
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money

AIRLINES: Final = {
    "CA": "Air China",
    "EK": "Emirates",
    "S7": "S7 Airlines",
    "SU": "Aeroflot",
    "TK": "Turkish Airlines",
    "U6": "Ural Airlines",
}
DAILY: Final = frozenset(range(7))
# (maximum distance in km, seat counts of the aircraft in use)
FLEET: Final = ((1_000, (100, 158, 189)), (4_000, (158, 189, 220)), (20_000, (301, 350, 400)))
CRUISE_KM_PER_MINUTE: Final = 13.3
GROUND_MINUTES: Final = 40
BASE_RUB: Final = 2_400
RUB_PER_KM: Final = 3.6
# Fridays and Sundays cost 10 % more.
BUSY_DAYS: Final = frozenset({4, 6})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """One departure per day on the given weekdays (Monday is 0). The return flight has the next flight number."""

    ends: tuple[str, str]
    airline: str
    number: int
    hours: range = range(6, 22)
    weekdays: frozenset[int] = DAILY


LINES: Final = (
    RoutePlan(ends=("SVO", "LED"), airline="SU", number=10, hours=range(6, 11)),
    RoutePlan(ends=("SVO", "LED"), airline="SU", number=34, hours=range(16, 22)),
    RoutePlan(ends=("SVO", "AER"), airline="SU", number=1120, hours=range(7, 18)),
    RoutePlan(ends=("SVO", "IST"), airline="TK", number=414, weekdays=DAILY - {1, 3}),
    RoutePlan(ends=("SVO", "DXB"), airline="EK", number=132, weekdays=DAILY - {0, 2}),
    RoutePlan(ends=("SVO", "VVO"), airline="SU", number=1702, weekdays=DAILY - {2, 5}),
    RoutePlan(ends=("LED", "KZN"), airline="S7", number=1056, weekdays=DAILY - {1, 5}),
    RoutePlan(ends=("LED", "SVX"), airline="U6", number=268, weekdays=DAILY - {0, 3}),
    RoutePlan(ends=("OVB", "PEK"), airline="CA", number=756, weekdays=DAILY - {1, 4}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    flight: FlightView
    seats: int


def draw(number: int, day: date) -> Iterator[Planned]:
    """Yields the flights that depart on a calendar day in UTC."""
    for line in LINES:
        if day.weekday() in line.weekdays:
            there, back = (CITIES[code] for code in line.ends)
            yield _plan(number, day, line, there, back, f"{line.airline}{line.number}")
            yield _plan(number, day, line, back, there, f"{line.airline}{line.number + 1}")


def _plan(number: int, day: date, line: RoutePlan, origin: City, destination: City, code: str) -> Planned:
    always, today = Random(f"{number}/{code}"), Random(f"{number}/{code}/{day}")
    kilometres = distance_km(origin, destination)
    departs_at = _departure(always, day, line.hours, origin)
    seats = _seats(always, kilometres)
    flight = FlightView(
        id=_id(f"{number}/{code}/{day}", departs_at),
        airline=AIRLINES[line.airline],
        number=code,
        origin=origin.code,
        destination=destination.code,
        departs_at=departs_at,
        arrives_at=departs_at + _duration(kilometres),
        price=_price(today, day, kilometres),
        seats_left=seats,
    )
    return Planned(flight=flight, seats=seats)


def _departure(always: Random, day: date, hours: range, origin: City) -> datetime:
    """Returns the departure: the hour is local, the day is in UTC. A morning in Vladivostok moves to the next day."""
    local = datetime(
        day.year, day.month, day.day, always.choice(hours), always.randrange(0, 60, 5), tzinfo=ZoneInfo(origin.timezone)
    )
    moment = local.astimezone(UTC)
    return moment + (day - moment.date())


def _duration(kilometres: float) -> timedelta:
    minutes = GROUND_MINUTES + kilometres / CRUISE_KM_PER_MINUTE
    return timedelta(minutes=round(minutes / 5) * 5)


def _price(today: Random, day: date, kilometres: float) -> Money:
    rub = (BASE_RUB + RUB_PER_KM * kilometres) * today.uniform(0.85, 1.35) * (1.1 if day.weekday() in BUSY_DAYS else 1)
    return Money(amount=round(rub / 10) * 10 * 100, currency="RUB")


def _seats(always: Random, kilometres: float) -> int:
    return always.choice(next(seats for reach, seats in FLEET if kilometres <= reach))


def _id(name: str, moment: datetime) -> FlightId:
    """Returns a UUIDv7 whose random part is a digest of the name."""
    milliseconds = int(moment.timestamp() * 1000)
    chance = int.from_bytes(sha256(name.encode()).digest()[:10])
    bits = milliseconds << 80 | chance
    bits = bits & ~(0xF << 76) | 0x7 << 76
    return FlightId(UUID(int=bits & ~(0x3 << 62) | 0x2 << 62))
