"""Issue tickets: every seat of a paid order gets a number and a place on board."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId, Ids, OrderId
from ordersys.domain.tickets.events import IssuedTicket, TicketIssued
from ordersys.domain.tickets.seating import SeatMap, seat_label
from ordersys.messaging.envelope import Cause, Outgoing
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.work import Work
from ordersys.usecase.tickets.ports import Leg, Ticket, TicketTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTicket:
    order_id: OrderId
    cause: Cause


class ItineraryUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("itinerary_unknown", Kind.NOT_FOUND, f"nothing is known of what order {order_id} bought")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTickets:
    work: Work[TicketTransaction]
    clock: Clock
    ids: Ids

    async def execute(self, commands: Sequence[IssueTicket]) -> None:
        """Raises ItineraryUnknown for the whole batch."""
        async with self.work.begin() as transaction:
            now = self.clock.now()
            legs = await transaction.itineraries.of({command.order_id for command in commands})
            seats = list(_seats(commands, legs))
            maps = await transaction.seat_maps.lock({flight_id for _, _, flight_id in seats})
            numbers = await transaction.tickets.next_numbers(len(seats))
            tickets = [_ticket(number, seat, maps, now) for number, seat in zip(numbers, seats, strict=True)]
            await transaction.seat_maps.save(maps.values())
            await transaction.tickets.add(tickets)
            await transaction.outbox.append(list(self._events(commands, tickets, now)))

    def _events(self, commands: Sequence[IssueTicket], tickets: Sequence[Ticket], now: datetime) -> Iterator[Outgoing]:
        causes = {command.order_id: command.cause for command in commands}
        for order_id, group in groupby(tickets, key=lambda ticket: ticket.order_id):
            event = TicketIssued(order_id=order_id, tickets=tuple(map(_issued, group)))
            yield outgoing(event, order_id=order_id, at=now, cause=causes[order_id], ids=self.ids)


_Seat = tuple[OrderId, int, FlightId]


def _seats(commands: Sequence[IssueTicket], legs: Mapping[OrderId, Sequence[Leg]]) -> Iterator[_Seat]:
    for command in commands:
        if command.order_id not in legs:
            raise ItineraryUnknown(command.order_id)
        flights = [leg.flight_id for leg in legs[command.order_id] for _ in range(leg.seats)]
        for ordinal, flight_id in enumerate(flights):
            yield command.order_id, ordinal, flight_id


def _ticket(number: str, seat: _Seat, maps: Mapping[FlightId, SeatMap], now: datetime) -> Ticket:
    order_id, ordinal, flight_id = seat
    return Ticket(
        number=number,
        order_id=order_id,
        ordinal=ordinal,
        flight_id=flight_id,
        seat_number=maps[flight_id].take(),
        issued_at=now,
    )


def _issued(ticket: Ticket) -> IssuedTicket:
    return IssuedTicket(number=ticket.number, flight_id=ticket.flight_id, seat=seat_label(ticket.seat_number))
