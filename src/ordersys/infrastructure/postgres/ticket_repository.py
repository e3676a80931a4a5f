"""Tickets, the seat maps they are drawn from, and what an order bought."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap, seat_label
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.infrastructure.postgres.session import Session
from ordersys.usecase.tickets.ports import Leg, Ticket, VoidedTicket

# The demo airline's code: the first three of a ticket number's 13 digits; no real airline has it.
PREFIX: Final = "999"

ITEMS = text("""
    SELECT order_id, flight_id, seats FROM order_items
    WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, position
""")

# Sorted, here and below: two transactions that meet wait for each other in one direction only.
DECIDE = text("""
    INSERT INTO ticketings (order_id, status, created_at, updated_at)
    SELECT order_id, status, :at, :at FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]))
        AS decision (order_id, status) ORDER BY order_id
    ON CONFLICT (order_id) DO NOTHING RETURNING order_id
""")

VOID_TICKETINGS = text("""
    INSERT INTO ticketings AS known (order_id, status, created_at, updated_at)
    SELECT order_id, 'VOIDED', :at, :at FROM unnest(CAST(:ids AS uuid[])) AS voided (order_id) ORDER BY order_id
    ON CONFLICT (order_id) DO UPDATE SET status = 'VOIDED', updated_at = excluded.updated_at
        WHERE known.status = 'ISSUED'
    RETURNING order_id, old.status AS before
""")

VOID_TICKETS = text("""
    UPDATE tickets SET status = 'VOIDED' WHERE order_id = ANY(CAST(:ids AS uuid[])) AND status = 'VALID'
    RETURNING number, order_id, flight_id, seat_number
""")

MAKE_MAPS = text("""
    INSERT INTO seat_maps (flight_id) SELECT id FROM unnest(CAST(:ids AS uuid[])) AS flight (id) ORDER BY id
    ON CONFLICT (flight_id) DO NOTHING
""")

LOCK_MAPS = text("""
    SELECT flight_id, next_seat, released, (SELECT seats_total FROM flights WHERE id = flight_id) AS seats
    FROM seat_maps WHERE flight_id = ANY(CAST(:ids AS uuid[])) ORDER BY flight_id FOR UPDATE
""")

# Arrays of arrays must be rectangular in SQL, so what is released travels as JSON.
SAVE_MAPS = text("""
    UPDATE seat_maps SET next_seat = map.next_seat,
        released = ARRAY(SELECT CAST(seat AS int) FROM json_array_elements_text(CAST(map.released AS json)) AS seat)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:next AS int[]), CAST(:released AS text[])) AS map (id, next_seat, released)
    WHERE seat_maps.flight_id = map.id
""")

NUMBERS = text("SELECT nextval('ticket_numbers') FROM generate_series(1, :count)")

ADD = text("""
    INSERT INTO tickets (number, order_id, ordinal, flight_id, seat_number, seat, status, issued_at)
    SELECT number, order_id, ordinal, flight_id, seat_number, seat, 'VALID', issued_at
    FROM unnest(CAST(:numbers AS text[]), CAST(:orders AS uuid[]), CAST(:ordinals AS smallint[]),
        CAST(:flights AS uuid[]), CAST(:seat_numbers AS int[]), CAST(:seats AS text[]), CAST(:moments AS timestamptz[]))
        AS ticket (number, order_id, ordinal, flight_id, seat_number, seat, issued_at)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketingRepository:
    """Implements usecase.tickets.ports.Ticketings."""

    connection: Session

    async def decide(self, decisions: Mapping[OrderId, Ticketing], *, at: datetime) -> set[OrderId]:
        columns = {"ids": list(decisions), "statuses": [str(status) for status in decisions.values()]}
        return set((await self.connection.execute(DECIDE, {"at": at, **columns})).scalars())

    async def void(self, order_ids: Iterable[OrderId], *, at: datetime) -> set[OrderId]:
        rows = await self.connection.execute(VOID_TICKETINGS, {"at": at, "ids": list(order_ids)})
        return {row.order_id for row in rows if row.before == Ticketing.ISSUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItineraryRepository:
    """Implements usecase.tickets.ports.Itineraries."""

    connection: Session

    async def of(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Sequence[Leg]]:
        legs: dict[OrderId, list[Leg]] = {}
        for row in await self.connection.execute(ITEMS, {"ids": list(order_ids)}):
            legs.setdefault(row.order_id, []).append(Leg(flight_id=row.flight_id, seats=row.seats))
        return legs


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatMapRepository:
    """Implements usecase.tickets.ports.SeatMaps."""

    connection: Session

    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, SeatMap]:
        ids = {"ids": list(flight_ids)}
        await self.connection.execute(MAKE_MAPS, ids)
        return {
            row.flight_id: SeatMap(
                flight_id=row.flight_id, seats=row.seats, next_seat=row.next_seat, released=list(row.released)
            )
            for row in await self.connection.execute(LOCK_MAPS, ids)
        }

    async def save(self, maps: Iterable[SeatMap]) -> None:
        saved = list(maps)
        columns = {
            "ids": [one.flight_id for one in saved],
            "next": [one.next_seat for one in saved],
            "released": [to_json(one.released) for one in saved],
        }
        await self.connection.execute(SAVE_MAPS, columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRepository:
    """Implements usecase.tickets.ports.Tickets."""

    connection: Session

    async def next_numbers(self, count: int) -> Sequence[str]:
        rows = await self.connection.execute(NUMBERS, {"count": count})
        return [f"{PREFIX}{number:010d}" for number in rows.scalars()]

    async def add(self, tickets: Sequence[Ticket]) -> None:
        columns = {
            "numbers": [ticket.number for ticket in tickets],
            "orders": [ticket.order_id for ticket in tickets],
            "ordinals": [ticket.ordinal for ticket in tickets],
            "flights": [ticket.flight_id for ticket in tickets],
            "seat_numbers": [ticket.seat_number for ticket in tickets],
            "seats": [seat_label(ticket.seat_number) for ticket in tickets],
            "moments": [ticket.issued_at for ticket in tickets],
        }
        await self.connection.execute(ADD, columns)

    async def void(self, order_ids: Iterable[OrderId]) -> Sequence[VoidedTicket]:
        rows = await self.connection.execute(VOID_TICKETS, {"ids": list(order_ids)})
        return [
            VoidedTicket(number=row.number, order_id=row.order_id, flight_id=row.flight_id, seat_number=row.seat_number)
            for row in rows
        ]
