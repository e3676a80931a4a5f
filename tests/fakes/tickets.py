"""The ports of usecase.tickets in memory; tests/contract/test_tickets.py holds them to what PostgreSQL does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from ordersys.domain.orders.order import Item
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.messaging.envelope import Outgoing
from ordersys.usecase.tickets.ports import Decision, PurchasedSeats, Ticket, VoidedTicket
from tests.fakes.memory import Changes, Table
from tests.fakes.messaging import FakeOutbox
from tests.fakes.orders import OrderTables


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTables:
    """`tickets` are the valid ones."""

    maps: Table[FlightId, SeatMap] = field(default_factory=Table)
    tickets: Table[str, Ticket] = field(default_factory=Table)
    voided: Table[str, Ticket] = field(default_factory=Table)
    ticketings: Table[OrderId, Ticketing] = field(default_factory=Table)
    numbers: "count[int]" = field(default_factory=lambda: count(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePurchases:
    tables: OrderTables
    changes: Changes

    async def of(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Sequence[PurchasedSeats]]:
        orders = self.changes.rows(self.tables.orders)
        return {key: [self._purchased(item) for item in orders[key].items] for key in order_ids if key in orders}

    def _purchased(self, item: Item) -> PurchasedSeats:
        return PurchasedSeats(item.flight_id, item.seats, self.tables.capacities.get(item.flight_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeTicketings:
    tables: TicketTables
    changes: Changes

    async def decide(self, decisions: Mapping[OrderId, Decision], *, at: datetime) -> Mapping[OrderId, Sequence[str]]:
        await self.changes.lock(self.tables.ticketings, decisions)
        known = self.changes.rows(self.tables.ticketings)
        new = {key: decision for key, decision in decisions.items() if key not in known}
        for key, decision in new.items():
            self.changes.put(self.tables.ticketings, key, decision.status)
        return {key: self._numbers(decision.seats) for key, decision in new.items()}

    def _numbers(self, count: int) -> Sequence[str]:
        return [f"999{next(self.tables.numbers):010d}" for _ in range(count)]

    async def void(self, order_ids: Iterable[OrderId], *, at: datetime) -> set[OrderId]:
        wanted = set(order_ids)
        await self.changes.lock(self.tables.ticketings, wanted)
        known = {key: self.changes.rows(self.tables.ticketings).get(key) for key in wanted}
        for key, status in known.items():
            if status is not Ticketing.REJECTED:
                self.changes.put(self.tables.ticketings, key, Ticketing.VOIDED)
        return {key for key, status in known.items() if status is Ticketing.ISSUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSeatMaps:
    tables: TicketTables
    changes: Changes

    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, SeatMap]:
        wanted = set(flight_ids)
        await self.changes.lock(self.tables.maps, wanted)
        known = self.changes.rows(self.tables.maps)
        return {key: _copy(known.get(key, SeatMap(flight_id=key))) for key in wanted}

    async def save(self, maps: Iterable[SeatMap]) -> None:
        for one in maps:
            self.changes.put(self.tables.maps, one.flight_id, _copy(one))


def _copy(one: SeatMap) -> SeatMap:
    return replace(one, released=list(one.released))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeTickets:
    tables: TicketTables
    changes: Changes
    maps: FakeSeatMaps
    outbox: FakeOutbox

    async def issue(self, tickets: Sequence[Ticket], maps: Iterable[SeatMap], events: Sequence[Outgoing]) -> None:
        self._add(tickets)
        await self.maps.save(maps)
        await self.outbox.append(events)

    def _add(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            for known in self.changes.rows(self.tables.tickets).values():
                if _named(known) & _named(ticket) or _seat(known) == _seat(ticket):
                    raise ValueError(f"{ticket} is issued already")
            for known in self.changes.rows(self.tables.voided).values():
                if _named(known) & _named(ticket):
                    raise ValueError(f"{ticket} was issued before")
            self.changes.put(self.tables.tickets, ticket.number, ticket)

    async def void(self, order_ids: Iterable[OrderId]) -> Sequence[VoidedTicket]:
        wanted = set(order_ids)
        void = [one for one in self.changes.rows(self.tables.tickets).values() if one.order_id in wanted]
        for one in void:
            self.changes.remove(self.tables.tickets, one.number)
            self.changes.put(self.tables.voided, one.number, one)
        return [
            VoidedTicket(number=o.number, order_id=o.order_id, flight_id=o.flight_id, seat_number=o.seat_number)
            for o in void
        ]


def _named(ticket: Ticket) -> set[object]:
    """What no two tickets ever share."""
    return {ticket.number, (ticket.order_id, ticket.ordinal)}


def _seat(ticket: Ticket) -> tuple[FlightId, int]:
    """What no two valid tickets share."""
    return ticket.flight_id, ticket.seat_number
