"""Flights as customers see them, and the search for them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ordersys.domain.catalog.errors import AirportInvalid, AirportsEqual, DayInvalid
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightView:
    """`origin` and `destination` are the JSON's `from` and `to`; times are aware, UTC; the price is for one seat."""

    id: FlightId
    airline: str
    number: str
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime
    price: Money
    seats_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightSearch:
    """A search for the flights of one calendar day in UTC, not of the airport's local day.

    Raises AirportInvalid, AirportsEqual or DayInvalid.
    """

    origin: str
    destination: str
    day: date

    def __post_init__(self) -> None:
        for airport in (self.origin, self.destination):
            if not re.fullmatch(r"[A-Z]{3}", airport):
                raise AirportInvalid(airport)
        if self.origin == self.destination:
            raise AirportsEqual(self.origin)
        # A datetime is also a date and would shift the day. date.max has no next day.
        if isinstance(self.day, datetime) or self.day == date.max:
            raise DayInvalid(self.day)

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.day, time(), tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after the day."""
        return self.starts_at + timedelta(days=1)
