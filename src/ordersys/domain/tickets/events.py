"""Events published by the ticket-service. Field names and TYPE are public: a change needs a new version."""

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
    """All tickets of the order were issued."""

    TYPE: ClassVar[str] = "ordersys.TicketIssued.v1"
    STREAM: ClassVar[str] = "tickets"
    SOURCE: ClassVar[str] = "ticket-service"

    order_id: OrderId
    tickets: tuple[IssuedTicket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRejected(Event):
    """The airline refused the tickets of the order; none was issued."""

    TYPE: ClassVar[str] = "ordersys.TicketRejected.v1"
    STREAM: ClassVar[str] = "tickets"
    SOURCE: ClassVar[str] = "ticket-service"

    order_id: OrderId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketVoided(Event):
    """All tickets of the order were voided, and their seats on board are free again."""

    TYPE: ClassVar[str] = "ordersys.TicketVoided.v1"
    STREAM: ClassVar[str] = "tickets"
    SOURCE: ClassVar[str] = "ticket-service"

    order_id: OrderId
    numbers: tuple[str, ...]
