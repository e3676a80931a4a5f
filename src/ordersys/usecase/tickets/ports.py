"""Ports of the ticket use cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.outbox import Outbox
from ordersys.messaging.unit_of_work import CommitHooks


class PurchasedSeats(NamedTuple):
    """Seats that an order bought on one flight. `capacity`: the seats on board; None if the flight is unknown."""

    flight_id: FlightId
    seats: int
    capacity: int | None


class Decision(NamedTuple):
    """`seats`: the number of tickets to issue."""

    status: Ticketing
    seats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`ordinal`: number of the ticket within its order, from 0; unique, so that no seat gets two tickets."""

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
        """Returns why the airline refuses tickets for this order; None if it does not."""
        ...


class Purchases(Protocol):
    """What orders bought: a port to the orders context."""

    async def of(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Sequence[PurchasedSeats]]:
        """Returns the purchased seats of the existing orders, in the order of their items."""
        ...


class Ticketings(Protocol):
    """The decision about each order's tickets, made once."""

    async def decide(self, decisions: Mapping[OrderId, Decision], *, at: datetime) -> Mapping[OrderId, Sequence[str]]:
        """Inserts the decisions of orders that have none yet. Returns those orders, each with a new ticket number for
        every seat. Numbers have 13 digits and are never reused.
        """
        ...

    async def void(self, order_ids: Iterable[OrderId], *, at: datetime) -> set[OrderId]:
        """Sets them to VOIDED, also without an earlier decision. Returns those that were ISSUED."""
        ...


class SeatMaps(Protocol):
    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, SeatMap]:
        """Returns the seat maps of these flights, created if missing, locked in id order until the transaction ends."""
        ...

    async def save(self, maps: Iterable[SeatMap]) -> None: ...


class Tickets(Protocol):
    async def issue(self, tickets: Sequence[Ticket], maps: Iterable[SeatMap], events: Sequence[Outgoing]) -> None:
        """Writes the tickets, the seat maps of their flights, and their events."""
        ...

    async def void(self, order_ids: Iterable[OrderId]) -> Sequence[VoidedTicket]:
        """Voids all valid tickets of these orders. Returns them."""
        ...


class TicketTransaction(CommitHooks, Protocol):
    @property
    def purchases(self) -> Purchases: ...
    @property
    def ticketings(self) -> Ticketings: ...
    @property
    def seat_maps(self) -> SeatMaps: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def outbox(self) -> Outbox: ...
