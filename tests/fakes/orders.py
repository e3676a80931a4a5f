"""The ports of usecase.orders in memory; tests/contract holds them to what PostgreSQL does."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final

from ordersys.domain.orders.order import Order, Status
from ordersys.domain.orders.placing import Offer
from ordersys.domain.shared.errors import Contention
from ordersys.domain.shared.ids import FlightId, OrderId
from ordersys.usecase.orders.ports import (
    Claim,
    IdempotencyKey,
    InUse,
    LockedOrder,
    Placement,
    PreparedPlacement,
    StatusChange,
    StoredAnswer,
)
from tests.fakes.memory import Changes, Table
from tests.fakes.messaging import FakeOutbox

UNDER_WAY: Final = frozenset({Status.CREATED, Status.PAYMENT_AUTHORIZED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTables:
    """`capacities`: the seats on board of each known flight."""

    flights: Table[FlightId, Offer] = field(default_factory=Table)
    capacities: dict[FlightId, int] = field(default_factory=dict)
    orders: Table[OrderId, Order] = field(default_factory=Table)
    history: Table[tuple[OrderId, Status], StatusChange] = field(default_factory=Table)
    answers: Table[IdempotencyKey, tuple[StoredAnswer, datetime]] = field(default_factory=Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSeats:
    tables: OrderTables
    changes: Changes

    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, Offer]:
        wanted = set(flight_ids)
        await self.changes.lock(self.tables.flights, wanted)
        return {key: row for key, row in self.changes.rows(self.tables.flights).items() if key in wanted}

    async def take(self, seats: Mapping[FlightId, int]) -> None:
        await self.changes.lock(self.tables.flights, seats)
        flights = self.changes.rows(self.tables.flights)
        for key in seats.keys() & flights.keys():
            self.changes.put(
                self.tables.flights, key, replace(flights[key], seats_left=flights[key].seats_left - seats[key])
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeOrders:
    tables: OrderTables
    changes: Changes

    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, LockedOrder]:
        wanted = set(order_ids)
        await self.changes.lock(self.tables.orders, wanted)
        rows = self.changes.rows(self.tables.orders)
        return {key: _locked_order(row) for key, row in rows.items() if key in wanted}

    async def lock_overdue(self, created_before: datetime, limit: int) -> Mapping[OrderId, LockedOrder]:
        rows = sorted(self.changes.rows(self.tables.orders).values(), key=lambda order: order.created_at)
        overdue = [one for one in rows if one.status in UNDER_WAY and one.created_at < created_before]
        free = (one for one in overdue if self.changes.try_lock(self.tables.orders, one.id))
        return {one.id: _locked_order(one) for one in islice(free, limit)}

    async def seats(self, order_ids: Iterable[OrderId]) -> Mapping[FlightId, int]:
        rows = self.changes.rows(self.tables.orders)
        seats: Counter[FlightId] = Counter()
        for item in (item for key in set(order_ids) if key in rows for item in rows[key].items):
            seats[item.flight_id] += item.seats
        return seats

    async def change(self, changes: Sequence[StatusChange]) -> None:
        for change in changes:
            key = change.order_id, change.after
            if key in self.changes.rows(self.tables.history):
                raise ValueError(f"{key} was reached before")
            self.changes.put(self.tables.history, key, change)
            self._move(change)

    def _move(self, change: StatusChange) -> None:
        order = self.changes.rows(self.tables.orders).get(change.order_id)
        if order:
            moved = replace(order, status=change.after, reason=change.reason or order.reason, updated_at=change.at)
            self.changes.put(self.tables.orders, order.id, moved)


def _locked_order(order: Order) -> LockedOrder:
    return LockedOrder(
        order_id=order.id,
        customer_id=order.customer_id,
        status=order.status,
        total=order.total,
        payment_method=order.payment_method,
        created_at=order.created_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePlacements:
    tables: OrderTables
    changes: Changes
    seats: FakeSeats
    outbox: FakeOutbox

    async def prepare(
        self, wanted: Mapping[IdempotencyKey, Collection[FlightId]], *, since: datetime
    ) -> PreparedPlacement:
        claims: dict[IdempotencyKey, Claim] = {
            key: None if self.changes.try_lock(self.tables.answers, key) else InUse() for key in wanted
        }
        for key, (answered, at) in self.changes.rows(self.tables.answers).items():
            if key in claims and at > since:
                claims[key] = answered
        new = {flight for key, flights in wanted.items() if claims[key] is None for flight in flights}
        return PreparedPlacement(claims=claims, offers=await self.seats.lock(new))

    async def write(self, placement: Placement, *, at: datetime, since: datetime) -> None:
        await self.seats.take(placement.seats)
        for order in placement.orders:
            self.changes.put(self.tables.orders, order.id, order)
            first = StatusChange(order_id=order.id, before=None, after=order.status, at=order.created_at)
            self.changes.put(self.tables.history, (order.id, order.status), first)
        await self.outbox.append(placement.events)
        kept = self.changes.rows(self.tables.answers)
        for key, answered in placement.answers.items():
            if key in kept and kept[key][1] > since:
                raise Contention(f"{key} was answered by another transaction")
            self.changes.put(self.tables.answers, key, (answered, at))


@dataclass(slots=True, kw_only=True)
class FakeOrderMeter:
    count: int = 0
    ended: list[tuple[str, float]] = field(default_factory=list)

    def created(self, count: int) -> None:
        self.count += count

    def finished(self, status: str, seconds: float) -> None:
        self.ended.append((status, seconds))
