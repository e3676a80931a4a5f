"""Issues tickets: every seat of a paid order gets a ticket number and a seat on board, or the airline refuses all."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from ordersys.usecase.tickets.ports import Airline, Decision, PurchasedSeats, Ticket, TicketTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTicket:
    order_id: OrderId
    cause: Cause


class ItineraryUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("itinerary_unknown", Kind.NOT_FOUND, f"Order {order_id} has no items.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTickets:
    unit_of_work: UnitOfWork[TicketTransaction]
    clock: Clock
    ids: Ids
    airline: Airline

    async def execute(self, commands: Sequence[IssueTicket]) -> None:
        """An order whose tickets were decided before, such as a cancelled one, gets none. Raises ItineraryUnknown or
        NoSeatOnBoard for the whole batch.
        """
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            causes = {command.order_id: command.cause for command in commands}
            refusals = {order_id: self.airline.refuses(order_id) for order_id in causes}
            purchases = await transaction.purchases.of(causes)
            numbers = await transaction.ticketings.decide(_decisions(refusals, purchases), at=now)
            if not numbers:
                return
            seats = list(_seats([o for o in causes if o in numbers and not refusals[o]], purchases, numbers))
            maps = await transaction.seat_maps.lock({seat.flight_id for seat in seats}) if seats else {}
            tickets = [_ticket(seat, maps, now) for seat in seats]
            events: list[TicketRejected | TicketIssued] = [*_rejected(refusals, numbers), *_issued(tickets)]
            messages = [
                outgoing(event, order_id=event.order_id, at=now, cause=causes[event.order_id], ids=self.ids)
                for event in events
            ]
            await transaction.tickets.issue(tickets, maps.values(), messages)


class _Seat(NamedTuple):
    number: str
    order_id: OrderId
    ordinal: int
    flight_id: FlightId
    capacity: int | None


def _decisions(
    refusals: Mapping[OrderId, str | None], purchases: Mapping[OrderId, Sequence[PurchasedSeats]]
) -> Mapping[OrderId, Decision]:
    return {
        order_id: Decision(Ticketing.REJECTED)
        if refusal
        else Decision(Ticketing.ISSUED, sum(item.seats for item in purchases.get(order_id, ())))
        for order_id, refusal in refusals.items()
    }


def _seats(
    order_ids: Iterable[OrderId],
    purchases: Mapping[OrderId, Sequence[PurchasedSeats]],
    numbers: Mapping[OrderId, Sequence[str]],
) -> Iterator[_Seat]:
    for order_id in order_ids:
        if order_id not in purchases:
            raise ItineraryUnknown(order_id)
        bought = [item for item in purchases[order_id] for _ in range(item.seats)]
        for ordinal, (number, item) in enumerate(zip(numbers[order_id], bought, strict=True)):
            yield _Seat(number, order_id, ordinal, item.flight_id, item.capacity)


def _ticket(seat: _Seat, maps: Mapping[FlightId, SeatMap], now: datetime) -> Ticket:
    return Ticket(
        number=seat.number,
        order_id=seat.order_id,
        ordinal=seat.ordinal,
        flight_id=seat.flight_id,
        seat_number=maps[seat.flight_id].take(seat.capacity),
        issued_at=now,
    )


def _rejected(refusals: Mapping[OrderId, str | None], decided: Collection[OrderId]) -> Iterator[TicketRejected]:
    for order_id, refusal in refusals.items():
        if refusal and order_id in decided:
            yield TicketRejected(order_id=order_id, reason=refusal)


def _issued(tickets: Iterable[Ticket]) -> Iterator[TicketIssued]:
    for order_id, group in groupby(tickets, key=attrgetter("order_id")):
        yield TicketIssued(order_id=order_id, tickets=tuple(map(_issued_ticket, group)))


def _issued_ticket(ticket: Ticket) -> IssuedTicket:
    return IssuedTicket(number=ticket.number, flight_id=ticket.flight_id, seat=seat_label(ticket.seat_number))
