"""Advance orders: what other services tell moves an order on; what is cancelled gives its seats back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ordersys.domain.orders.order import FINAL, Move, Order, Status, path
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import EventId, FlightId, OrderId
from ordersys.messaging.work import Work
from ordersys.usecase.orders.ports import OrderMeter, OrderTransaction, StatusChange


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceOrder:
    """`reason` is kept with a cancellation."""

    order_id: OrderId
    move: Move
    event_id: EventId
    reason: str | None = None


class OrderUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("order_unknown", Kind.NOT_FOUND, f"there is no order {order_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceOrders:
    work: Work[OrderTransaction]
    clock: Clock
    meter: OrderMeter

    async def execute(self, commands: Sequence[AdvanceOrder]) -> None:
        """Several commands for one order are folded in their order. Raises IllegalMove or OrderUnknown for the whole
        batch.
        """
        async with self.work.begin() as transaction:
            now = self.clock.now()
            orders = await transaction.orders.lock({command.order_id for command in commands})
            changes = _fold(commands, orders, now)
            if not changes:
                return
            await transaction.orders.change(changes)
            given_back = _given_back(changes, orders)
            if given_back:
                await transaction.seats.lock(given_back)
                await transaction.seats.take(given_back)
            transaction.on_commit(lambda: self._count(changes, orders))

    def _count(self, changes: Sequence[StatusChange], orders: Mapping[OrderId, Order]) -> None:
        for change in changes:
            if change.after in FINAL:
                age = change.at - orders[change.order_id].created_at
                self.meter.finished(change.after, age.total_seconds())


def _fold(commands: Sequence[AdvanceOrder], orders: Mapping[OrderId, Order], now: datetime) -> list[StatusChange]:
    statuses = {order_id: order.status for order_id, order in orders.items()}
    changes: list[StatusChange] = []
    for command in commands:
        if command.order_id not in statuses:
            raise OrderUnknown(command.order_id)
        for step in path(statuses[command.order_id], command.move):
            changes.append(_change(command, statuses[command.order_id], step, now))
            statuses[command.order_id] = step
    return changes


def _change(command: AdvanceOrder, before: Status, after: Status, now: datetime) -> StatusChange:
    return StatusChange(
        order_id=command.order_id,
        before=before,
        after=after,
        at=now,
        reason=command.reason if after is Status.CANCELLED else None,
        event_id=command.event_id,
    )


def _given_back(changes: Sequence[StatusChange], orders: Mapping[OrderId, Order]) -> dict[FlightId, int]:
    seats: dict[FlightId, int] = {}
    for change in changes:
        if change.after is Status.CANCELLED:
            for item in orders[change.order_id].items:
                seats[item.flight_id] = seats.get(item.flight_id, 0) - item.seats
    return seats
