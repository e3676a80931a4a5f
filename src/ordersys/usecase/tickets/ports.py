"""What the ticket use cases need from outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.outbox import Outbox
from ordersys.messaging.unit_of_work import CommitHooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Seats on one flight, one for each ticket number. Numbers have 13 digits and were never given out before."""

    flight_id: FlightId
    numbers: Sequence[str]


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

    async def decide(self, decisions: Mapping[OrderId, Ticketing], *, at: datetime) -> Mapping[OrderId, Sequence[Leg]]:
        """Writes the decisions of orders that have none yet, and answers which those were: each with what it bought if
        it is ISSUED (nothing, if the order is not known).
        """
        ...

    async def void(self, order_ids: Iterable[OrderId], *, at: datetime) -> set[OrderId]:
        """Makes them VOIDED, undecided ones too. Answers those that had been ISSUED."""
        ...


class SeatMaps(Protocol):
    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, SeatMap]:
        """The seat maps of all these flights (made when missing), locked in id order until the transaction ends."""
        ...

    async def save(self, maps: Iterable[SeatMap]) -> None: ...


class Tickets(Protocol):
    async def issue(self, tickets: Sequence[Ticket], maps: Iterable[SeatMap], events: Sequence[Outgoing]) -> None:
        """Writes the tickets, the maps that their seats were taken from, and the events that tell of them."""
        ...

    async def void(self, order_ids: Iterable[OrderId]) -> Sequence[VoidedTicket]:
        """Voids all valid tickets of these orders and answers them."""
        ...


class TicketTransaction(CommitHooks, Protocol):
    @property
    def ticketings(self) -> Ticketings: ...
    @property
    def seat_maps(self) -> SeatMaps: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def outbox(self) -> Outbox: ...
