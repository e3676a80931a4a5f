"""What the ticket use cases need from outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.messaging.outbox import Outbox
from ordersys.messaging.work import AfterCommit


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """So many seats on one flight."""

    flight_id: FlightId
    seats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`ordinal` numbers the tickets of one order from 0; with the order it is unique, so no seat is ticketed twice."""

    number: str
    order_id: OrderId
    ordinal: int
    flight_id: FlightId
    seat_number: int
    issued_at: datetime


class Itineraries(Protocol):
    async def of(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Sequence[Leg]]:
        """What these orders bought."""
        ...


class SeatMaps(Protocol):
    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, SeatMap]:
        """The seat maps of all these flights (made when missing), locked in id order until the transaction ends."""
        ...

    async def save(self, maps: Iterable[SeatMap]) -> None: ...


class Tickets(Protocol):
    async def next_numbers(self, count: int) -> Sequence[str]:
        """Ticket numbers that were never given out: 13 digits."""
        ...

    async def add(self, tickets: Sequence[Ticket]) -> None: ...


class TicketTransaction(AfterCommit, Protocol):
    @property
    def itineraries(self) -> Itineraries: ...
    @property
    def seat_maps(self) -> SeatMaps: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def outbox(self) -> Outbox: ...
