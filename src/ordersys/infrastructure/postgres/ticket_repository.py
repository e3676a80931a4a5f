"""Tickets, the decisions about them, and the seat maps of flights."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.tickets.seating import SeatMap, seat_label
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.infrastructure.postgres.outbox_insert import INSERT_ENTRIES, event_columns
from ordersys.infrastructure.postgres.session import Session
from ordersys.messaging.envelope import Outgoing
from ordersys.usecase.tickets.ports import Decision, Ticket, VoidedTicket

# The demo airline's code: the first three of a ticket number's 13 digits; no real airline has it.
PREFIX: Final = "999"

# Sorted, here and below: two concurrent transactions then wait for each other in one direction only. The ticket numbers
# come with the decision, which saves a statement.
DECIDE = text("""
    WITH decided AS (
        INSERT INTO ticketings (order_id, status, created_at, updated_at)
        SELECT order_id, status, :at, :at FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]))
            AS decision (order_id, status) ORDER BY order_id
        ON CONFLICT (order_id) DO NOTHING RETURNING order_id
    )
    SELECT order_id, ARRAY(SELECT nextval('ticket_numbers') FROM generate_series(1, seats)) AS numbers
    FROM decided JOIN unnest(CAST(:ids AS uuid[]), CAST(:seats AS int[])) AS wanted (order_id, seats) USING (order_id)
    ORDER BY order_id
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

# All or none: when one is missing, those before it in the order must not be locked without it.
LOCK_MAPS = text("""
    SELECT flight_id, next_seat, released FROM seat_maps
    WHERE flight_id = ANY(CAST(:ids AS uuid[])) AND cardinality(CAST(:ids AS uuid[])) = (
        SELECT count(*) FROM seat_maps WHERE flight_id = ANY(CAST(:ids AS uuid[])))
    ORDER BY flight_id FOR UPDATE OF seat_maps
""")

# Arrays of arrays must be rectangular in SQL, so what is released travels as the text of an array.
_SAVING_MAPS = """
    UPDATE seat_maps SET next_seat = map.next_seat, released = CAST(map.released AS int[])
    FROM unnest(CAST(:maps AS uuid[]), CAST(:next_seats AS int[]), CAST(:released AS text[]))
        AS map (id, next_seat, released)
    WHERE seat_maps.flight_id = map.id
"""
SAVE_MAPS = text(_SAVING_MAPS)

# Whatever is issued is told and has its seat taken, so all of it is one statement.
ISSUE = text(f"""
    WITH saved AS ({_SAVING_MAPS}), told AS ({INSERT_ENTRIES})
    INSERT INTO tickets (number, order_id, ordinal, flight_id, seat_number, seat, status, issued_at)
    SELECT number, order_id, ordinal, flight_id, seat_number, seat, 'VALID', issued_at
    FROM unnest(CAST(:numbers AS text[]), CAST(:ticket_orders AS uuid[]), CAST(:ordinals AS smallint[]),
        CAST(:flights AS uuid[]), CAST(:seat_numbers AS int[]), CAST(:seats AS text[]), CAST(:issued AS timestamptz[]))
        AS ticket (number, order_id, ordinal, flight_id, seat_number, seat, issued_at)
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketingRepository:
    """Implements usecase.tickets.ports.Ticketings."""

    connection: Session

    async def decide(self, decisions: Mapping[OrderId, Decision], *, at: datetime) -> Mapping[OrderId, Sequence[str]]:
        columns = {
            "ids": list(decisions),
            "statuses": [decision.status for decision in decisions.values()],
            "seats": [decision.seats for decision in decisions.values()],
        }
        rows = await self.connection.execute(DECIDE, {"at": at, **columns})
        return {order_id: [f"{PREFIX}{number:010d}" for number in numbers] for order_id, numbers in rows}

    async def void(self, order_ids: Iterable[OrderId], *, at: datetime) -> set[OrderId]:
        rows = await self.connection.execute(VOID_TICKETINGS, {"at": at, "ids": list(order_ids)})
        return {row.order_id for row in rows if row.before == Ticketing.ISSUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatMapRepository:
    """Implements usecase.tickets.ports.SeatMaps."""

    connection: Session

    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, SeatMap]:
        ids = {"ids": list(set(flight_ids))}
        rows = await self.connection.execute(LOCK_MAPS, ids)
        if not rows.rows:
            await self.connection.execute(MAKE_MAPS, ids)
            rows = await self.connection.execute(LOCK_MAPS, ids)
        return {
            flight_id: SeatMap(flight_id=flight_id, next_seat=next_seat, released=released)
            for flight_id, next_seat, released in rows
        }

    async def save(self, maps: Iterable[SeatMap]) -> None:
        await self.connection.execute(SAVE_MAPS, _map_columns(list(maps)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRepository:
    """Implements usecase.tickets.ports.Tickets."""

    connection: Session

    async def issue(self, tickets: Sequence[Ticket], maps: Iterable[SeatMap], events: Sequence[Outgoing]) -> None:
        columns = {
            "numbers": [ticket.number for ticket in tickets],
            "ticket_orders": [ticket.order_id for ticket in tickets],
            "ordinals": [ticket.ordinal for ticket in tickets],
            "flights": [ticket.flight_id for ticket in tickets],
            "seat_numbers": [ticket.seat_number for ticket in tickets],
            "seats": [seat_label(ticket.seat_number) for ticket in tickets],
            "issued": [ticket.issued_at for ticket in tickets],
        }
        await self.connection.execute(ISSUE, {**columns, **_map_columns(list(maps)), **event_columns(events)})

    async def void(self, order_ids: Iterable[OrderId]) -> Sequence[VoidedTicket]:
        rows = await self.connection.execute(VOID_TICKETS, {"ids": list(order_ids)})
        return [
            VoidedTicket(number=row.number, order_id=row.order_id, flight_id=row.flight_id, seat_number=row.seat_number)
            for row in rows
        ]


def _map_columns(maps: Sequence[SeatMap]) -> dict[str, object]:
    return {
        "maps": [one.flight_id for one in maps],
        "next_seats": [one.next_seat for one in maps],
        "released": [f"{{{','.join(map(str, one.released))}}}" for one in maps],
    }
