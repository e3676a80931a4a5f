"""Orders and the seats they hold, by the batch: every statement takes arrays, so its cost hardly grows with their
length.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from ordersys.domain.orders.order import Status
from ordersys.domain.orders.placing import Offer
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres.session import Row, Session
from ordersys.usecase.orders.ports import LockedOrder, StatusChange
from ordersys.usecase.tickets.ports import PurchasedSeats

# Lock with NO KEY UPDATE: seats change, keys do not, so references to the flight need not wait.
OFFERED: Final = """
        SELECT id, price_amount, currency, seats_total - seats_taken AS seats_left, departs_at FROM flights
"""

LOCK_FLIGHTS = text(f"{OFFERED} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")

# Other statements have it as a part.
TAKING_SEATS: Final = """
    UPDATE flights SET seats_taken = seats_taken + taken.seats
    FROM unnest(CAST(:seat_flights AS uuid[]), CAST(:seats AS int[])) AS taken (id, seats)
    WHERE flights.id = taken.id
"""

TAKE_SEATS = text(TAKING_SEATS)

_STANDING = "SELECT id, customer_id, status, total_amount, currency, payment_method, created_at FROM orders"

LOCK_ORDERS = text(f"{_STANDING} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")

# The oldest first, so that the index of the orders under way serves it. Nothing is waited for, so any order will do.
LOCK_OVERDUE = text(f"""{_STANDING}
    WHERE status IN ('CREATED', 'PAYMENT_AUTHORIZED') AND created_at < :before
    ORDER BY created_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
""")

SEATS = text("""
    SELECT flight_id, sum(seats) AS seats FROM order_items WHERE order_id = ANY(CAST(:ids AS uuid[])) GROUP BY flight_id
""")

PURCHASES = text("""
    SELECT order_id, flight_id, seats, (SELECT seats_total FROM flights WHERE id = flight_id) AS capacity
    FROM order_items WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, position
""")

# History and status in one statement, of one set of arrays: nothing is ever written to one alone. Of several steps the
# last one is the status.
CHANGE = text("""
    WITH step AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:orders AS uuid[]), CAST(:befores AS text[]), CAST(:afters AS text[]),
            CAST(:reasons AS text[]), CAST(:events AS uuid[]), CAST(:moments AS timestamptz[])) WITH ORDINALITY
            AS step (order_id, before, after, reason, event_id, at, position)
    ), history AS (
        INSERT INTO order_status_history (order_id, from_status, to_status, reason, event_id, at)
        SELECT order_id, before, after, reason, event_id, at FROM step
    )
    UPDATE orders SET status = last.after, reason = coalesce(last.reason, orders.reason), updated_at = last.at
    FROM (SELECT DISTINCT ON (order_id) * FROM step ORDER BY order_id, position DESC) AS last
    WHERE orders.id = last.order_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRepository:
    """Implements usecase.orders.ports.Seats."""

    connection: Session

    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, Offer]:
        rows = await self.connection.execute(LOCK_FLIGHTS, {"ids": list(flight_ids)})
        return {row["id"]: offer(row) for row in rows}

    async def take(self, seats: Mapping[FlightId, int]) -> None:
        await self.connection.execute(TAKE_SEATS, seat_columns(seats))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRepository:
    """Implements usecase.orders.ports.Orders."""

    connection: Session

    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, LockedOrder]:
        rows = await self.connection.execute(LOCK_ORDERS, {"ids": list(order_ids)})
        return {row["id"]: _locked_order(row) for row in rows}

    async def lock_overdue(self, created_before: datetime, limit: int) -> Mapping[OrderId, LockedOrder]:
        rows = await self.connection.execute(LOCK_OVERDUE, {"before": created_before, "limit": limit})
        return {row["id"]: _locked_order(row) for row in rows}

    async def seats(self, order_ids: Iterable[OrderId]) -> Mapping[FlightId, int]:
        rows = await self.connection.execute(SEATS, {"ids": list(order_ids)})
        return {row.flight_id: row.seats for row in rows}

    async def change(self, changes: Sequence[StatusChange]) -> None:
        columns = {
            "orders": [change.order_id for change in changes],
            "befores": [change.before for change in changes],
            "afters": [change.after for change in changes],
            "reasons": [change.reason for change in changes],
            "events": [change.event_id for change in changes],
            "moments": [change.at for change in changes],
        }
        await self.connection.execute(CHANGE, columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRepository:
    """Implements usecase.tickets.ports.Purchases."""

    connection: Session

    async def of(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Sequence[PurchasedSeats]]:
        purchases: dict[OrderId, list[PurchasedSeats]] = {}
        for order_id, flight_id, seats, capacity in await self.connection.execute(PURCHASES, {"ids": list(order_ids)}):
            purchases.setdefault(order_id, []).append(PurchasedSeats(flight_id, seats, capacity))
        return purchases


def seat_columns(seats: Mapping[FlightId, int]) -> dict[str, object]:
    """What TAKING_SEATS wants to have bound."""
    return {"seat_flights": list(seats), "seats": list(seats.values())}


def offer(row: Row) -> Offer:
    """Of a row of OFFERED."""
    return Offer(
        flight_id=row["id"],
        price=Money(amount=row["price_amount"], currency=row["currency"]),
        seats_left=row["seats_left"],
        departs_at=row["departs_at"],
    )


def _locked_order(row: Row) -> LockedOrder:
    order_id, customer_id, status, amount, currency, payment_method, created_at = row
    return LockedOrder(
        order_id=order_id,
        customer_id=customer_id,
        status=Status(status),
        total=Money(amount=amount, currency=currency),
        payment_method=payment_method,
        created_at=created_at,
    )
