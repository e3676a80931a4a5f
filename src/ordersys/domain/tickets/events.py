"""What the ticket-service tells the others. Field names and TYPE are public and golden: a change is a new version."""

from dataclasses import dataclass
from typing import ClassVar

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import FlightId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTicket:
    number: str
    flight_id: FlightId
    seat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketIssued(Event):
    """All tickets of one order were issued."""

    TYPE: ClassVar[str] = "ordersys.TicketIssued.v1"
    STREAM: ClassVar[str] = "tickets"
    SOURCE: ClassVar[str] = "ticket-service"

    order_id: OrderId
    tickets: tuple[IssuedTicket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRejected(Event):
    """The airline gives no tickets for this order; none were issued."""

    TYPE: ClassVar[str] = "ordersys.TicketRejected.v1"
    STREAM: ClassVar[str] = "tickets"
    SOURCE: ClassVar[str] = "ticket-service"

    order_id: OrderId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketVoided(Event):
    """All tickets of one order are void, and their seats on board free."""

    TYPE: ClassVar[str] = "ordersys.TicketVoided.v1"
    STREAM: ClassVar[str] = "tickets"
    SOURCE: ClassVar[str] = "ticket-service"

    order_id: OrderId
    numbers: tuple[str, ...]
