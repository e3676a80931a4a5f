"""What the ticket use cases need from outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.domain.tickets.ticketing import Ticketing
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidedTicket:
    number: str
    order_id: OrderId
    flight_id: FlightId
    seat_number: int


class Airline(Protocol):
    def refuses(self, order_id: OrderId) -> str | None:
        """Why the airline gives no tickets for this order; None when it does."""
        ...


class Ticketings(Protocol):
    """What became of each order's tickets; decided once."""

    async def decide(self, decisions: Mapping[OrderId, Ticketing], *, at: datetime) -> set[OrderId]:
        """Writes the decisions of orders that have none yet, and answers which those were."""
        ...

    async def void(self, order_ids: Iterable[OrderId], *, at: datetime) -> set[OrderId]:
        """Makes them VOIDED, undecided ones too. Answers those that had been ISSUED."""
        ...


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

    async def void(self, order_ids: Iterable[OrderId]) -> Sequence[VoidedTicket]:
        """Voids all valid tickets of these orders and answers them."""
        ...


class TicketTransaction(AfterCommit, Protocol):
    @property
    def ticketings(self) -> Ticketings: ...
    @property
    def itineraries(self) -> Itineraries: ...
    @property
    def seat_maps(self) -> SeatMaps: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def outbox(self) -> Outbox: ...
