"""The ports of usecase.tickets in memory; tests/contract/test_tickets.py holds them to what PostgreSQL does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.usecase.tickets.ports import Leg, Ticket
from tests.fakes.memory import Changes, Table
from tests.fakes.orders import OrderTables


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTables:
    maps: Table[FlightId, SeatMap] = field(default_factory=Table)
    tickets: Table[str, Ticket] = field(default_factory=Table)
    numbers: "count[int]" = field(default_factory=lambda: count(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeItineraries:
    tables: OrderTables
    changes: Changes

    async def of(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Sequence[Leg]]:
        orders = self.changes.rows(self.tables.orders)
        known = [orders[order_id] for order_id in order_ids if order_id in orders]
        return {o.id: [Leg(flight_id=item.flight_id, seats=item.seats) for item in o.items] for o in known}


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

    async def next_numbers(self, count: int) -> Sequence[str]:
        return [f"999{next(self.tables.numbers):010d}" for _ in range(count)]

    async def add(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            for known in self.changes.rows(self.tables.tickets).values():
                if _places(known) & _places(ticket):
                    raise ValueError(f"{ticket} is issued already")
            self.changes.put(self.tables.tickets, ticket.number, ticket)


def _places(ticket: Ticket) -> set[object]:
    """What no two tickets share."""
    return {ticket.number, (ticket.order_id, ticket.ordinal), (ticket.flight_id, ticket.seat_number)}
