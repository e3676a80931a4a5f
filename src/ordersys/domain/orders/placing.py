"""Rules for placing orders: an order gets all of its seats or none, so a refused order changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

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
from ordersys.domain.orders.order import Item
from ordersys.domain.shared.ids import FlightId
from ordersys.domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The current price and availability of a flight."""

    flight_id: FlightId
    price: Money
    seats_left: int
    departs_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRequest:
    flight_id: FlightId
    seats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one order: its items (flights), and its seats over all items."""

    max_items: int
    max_seats: int

    def check(self, wanted: Sequence[SeatRequest]) -> None:
        """Raises TooManyItems, SeatsMissing or TooManySeats."""
        if not 1 <= len(wanted) <= self.max_items:
            raise TooManyItems(len(wanted), self.max_items)
        if any(item.seats < 1 for item in wanted):
            raise SeatsMissing
        seats = sum(item.seats for item in wanted)
        if seats > self.max_seats:
            raise TooManySeats(seats, self.max_seats)


@dataclass(slots=True, kw_only=True)
class SeatHolds:
    """Seats held for the orders of one batch; seats held for one order are not offered to the next."""

    offers: Mapping[FlightId, Offer]
    held: dict[FlightId, int] = field(default_factory=dict)

    def hold(
        self, wanted: Sequence[SeatRequest], expected: Money | None, now: datetime
    ) -> tuple[tuple[Item, ...], Money]:
        """Holds all seats of one order. Returns its items and total. Raises a DomainError, and then holds none."""
        items = tuple(self._item(item, now) for item in wanted)
        total = _total(items)
        if expected is not None and expected != total:
            raise PriceChanged(expected, total)
        seats = _seats_by_flight(items)
        for flight_id, number in seats.items():
            self._check_left(flight_id, number)
        for flight_id, number in seats.items():
            self.held[flight_id] = self.held.get(flight_id, 0) + number
        return items, total

    def _item(self, wanted: SeatRequest, now: datetime) -> Item:
        offer = self.offers.get(wanted.flight_id)
        if offer is None:
            raise FlightUnknown(wanted.flight_id)
        if offer.departs_at <= now:
            raise FlightDeparted(wanted.flight_id)
        return Item(flight_id=wanted.flight_id, seats=wanted.seats, unit_price=offer.price)

    def _check_left(self, flight_id: FlightId, wanted: int) -> None:
        left = self.offers[flight_id].seats_left - self.held.get(flight_id, 0)
        if wanted > left:
            raise SoldOut(flight_id, wanted, left)


def _total(items: Iterable[Item]) -> Money:
    amounts = [(item.seats * item.unit_price.amount, item.unit_price.currency) for item in items]
    currencies = {currency for _, currency in amounts}
    if len(currencies) > 1:
        raise CurrenciesMixed
    return Money(amount=sum(amount for amount, _ in amounts), currency=currencies.pop())


def _seats_by_flight(items: Iterable[Item]) -> dict[FlightId, int]:
    seats: dict[FlightId, int] = {}
    for item in items:
        seats[item.flight_id] = seats.get(item.flight_id, 0) + item.seats
    return seats
