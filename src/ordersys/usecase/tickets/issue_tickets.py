"""Issue tickets: every seat of a paid order gets a number and a place on board, or the airline refuses them all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId, Ids, OrderId
from ordersys.domain.tickets.events import IssuedTicket, TicketIssued, TicketRejected
from ordersys.domain.tickets.seating import SeatMap, seat_label
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.messaging.envelope import Cause
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.tickets.ports import Airline, Leg, Ticket, TicketTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTicket:
    order_id: OrderId
    cause: Cause


class ItineraryUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("itinerary_unknown", Kind.NOT_FOUND, f"nothing is known of what order {order_id} bought")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTickets:
    unit_of_work: UnitOfWork[TicketTransaction]
    clock: Clock
    ids: Ids
    airline: Airline

    async def execute(self, commands: Sequence[IssueTicket]) -> None:
        """An order whose tickets were decided before (cancelled, say) gets none. Raises ItineraryUnknown or
        NoSeatOnBoard for all.
        """
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            causes = {command.order_id: command.cause for command in commands}
            refusals = {order_id: self.airline.refuses(order_id) for order_id in causes}
            new = await transaction.ticketings.decide(
                {order_id: Ticketing.REJECTED if why else Ticketing.ISSUED for order_id, why in refusals.items()},
                at=now,
            )
            if not new:
                return
            seats = list(_seats([o for o in causes if o in new and not refusals[o]], new))
            maps = await transaction.seat_maps.lock({seat.flight_id for seat in seats}) if seats else {}
            tickets = [_ticket(seat, maps, now) for seat in seats]
            rejected = [
                TicketRejected(order_id=order_id, reason=why)
                for order_id, why in refusals.items()
                if why and order_id in new
            ]
            told: list[TicketRejected | TicketIssued] = [*rejected, *_issued(tickets)]
            events = [
                outgoing(event, order_id=event.order_id, at=now, cause=causes[event.order_id], ids=self.ids)
                for event in told
            ]
            await transaction.tickets.issue(tickets, maps.values(), events)


class _Seat(NamedTuple):
    number: str
    order_id: OrderId
    ordinal: int
    flight_id: FlightId


def _seats(order_ids: Iterable[OrderId], legs: Mapping[OrderId, Sequence[Leg]]) -> Iterator[_Seat]:
    for order_id in order_ids:
        if not legs[order_id]:
            raise ItineraryUnknown(order_id)
        numbered = [(number, leg.flight_id) for leg in legs[order_id] for number in leg.numbers]
        for ordinal, (number, flight_id) in enumerate(numbered):
            yield _Seat(number, order_id, ordinal, flight_id)


def _ticket(seat: _Seat, maps: Mapping[FlightId, SeatMap], now: datetime) -> Ticket:
    return Ticket(
        number=seat.number,
        order_id=seat.order_id,
        ordinal=seat.ordinal,
        flight_id=seat.flight_id,
        seat_number=maps[seat.flight_id].take(),
        issued_at=now,
    )


def _issued(tickets: Iterable[Ticket]) -> Iterator[TicketIssued]:
    for order_id, group in groupby(tickets, key=attrgetter("order_id")):
        yield TicketIssued(order_id=order_id, tickets=tuple(map(_told, group)))


def _told(ticket: Ticket) -> IssuedTicket:
    return IssuedTicket(number=ticket.number, flight_id=ticket.flight_id, seat=seat_label(ticket.seat_number))
