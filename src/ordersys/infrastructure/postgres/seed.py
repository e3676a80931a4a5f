"""Inserts the flights of the demo timetable. Existing flights are not changed, so sold seats stay sold."""

from datetime import date, timedelta
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from ordersys.infrastructure.postgres import migrate, timetable
from ordersys.infrastructure.postgres.tables import flights

FlightRow = dict[str, object]


async def seed(url: str, *, number: int, today: date, days: int = 60) -> int:
    """Inserts the missing flights of `today` and the `days` after it (UTC). Returns the number of inserted flights."""
    planned = (plan for ahead in range(days + 1) for plan in timetable.draw(number, today + timedelta(days=ahead)))
    return await migrate.transact(url, partial(_write, list(map(_row, planned))))


def _write(rows: list[FlightRow], connection: Connection) -> int:
    statement = insert(flights).on_conflict_do_nothing().returning(flights.c.id)
    return len(connection.scalars(statement, rows).all()) if rows else 0


def _row(planned: timetable.Planned) -> FlightRow:
    flight = planned.flight
    return {
        "id": flight.id,
        "airline": flight.airline,
        "number": flight.number,
        "origin": flight.origin,
        "destination": flight.destination,
        "departs_at": flight.departs_at,
        "arrives_at": flight.arrives_at,
        "price_amount": flight.price.amount,
        "currency": flight.price.currency,
        "seats_total": planned.seats,
    }
