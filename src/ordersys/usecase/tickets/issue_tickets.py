"""Issue tickets: every seat of a paid order gets a number and a place on board, or the airline refuses them all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import FlightId, Ids, OrderId
from ordersys.domain.tickets.events import IssuedTicket, TicketIssued, TicketRejected
from ordersys.domain.tickets.seating import SeatMap, seat_label
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.messaging.envelope import Cause
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.work import Work
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
    work: Work[TicketTransaction]
    clock: Clock
    ids: Ids
    airline: Airline

    async def execute(self, commands: Sequence[IssueTicket]) -> None:
        """An order whose tickets were decided before (cancelled, say) gets none. Raises ItineraryUnknown or
        NoSeatOnBoard for all.
        """
        async with self.work.begin() as transaction:
            now = self.clock.now()
            causes = {command.order_id: command.cause for command in commands}
            refusals = {order_id: self.airline.refuses(order_id) for order_id in causes}
            new = await transaction.ticketings.decide(
                {order_id: Ticketing.REJECTED if why else Ticketing.ISSUED for order_id, why in refusals.items()},
                at=now,
            )
            rejected = [
                TicketRejected(order_id=order_id, reason=why)
                for order_id, why in refusals.items()
                if why and order_id in new
            ]
            issued = await _issue([o for o in causes if o in new and not refusals[o]], transaction, now)
            told: list[TicketRejected | TicketIssued] = [*rejected, *issued]
            await transaction.outbox.append(
                [
                    outgoing(event, order_id=event.order_id, at=now, cause=causes[event.order_id], ids=self.ids)
                    for event in told
                ]
            )


async def _issue(order_ids: Sequence[OrderId], transaction: TicketTransaction, now: datetime) -> list[TicketIssued]:
    if not order_ids:
        return []
    legs = await transaction.itineraries.of(order_ids)
    seats = list(_seats(order_ids, legs))
    maps = await transaction.seat_maps.lock({flight_id for _, _, flight_id in seats})
    numbers = await transaction.tickets.next_numbers(len(seats))
    tickets = [_ticket(number, seat, maps, now) for number, seat in zip(numbers, seats, strict=True)]
    await transaction.seat_maps.save(maps.values())
    await transaction.tickets.add(tickets)
    return [
        TicketIssued(order_id=order_id, tickets=tuple(map(_issued, group)))
        for order_id, group in groupby(tickets, key=lambda ticket: ticket.order_id)
    ]


_Seat = tuple[OrderId, int, FlightId]


def _seats(order_ids: Sequence[OrderId], legs: Mapping[OrderId, Sequence[Leg]]) -> Iterator[_Seat]:
    for order_id in order_ids:
        if order_id not in legs:
            raise ItineraryUnknown(order_id)
        flights = [leg.flight_id for leg in legs[order_id] for _ in range(leg.seats)]
        for ordinal, flight_id in enumerate(flights):
            yield order_id, ordinal, flight_id


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
