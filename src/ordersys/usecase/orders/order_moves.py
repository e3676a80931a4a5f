"""Status changes of a batch of orders, decided one by one and written together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ordersys.domain.orders.order import FINAL, WITHOUT_SEATS, Move, Status, path
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import CustomerId, EventId, OrderId
from ordersys.usecase.orders.ports import LockedOrder, OrderMeter, OrderTransaction, StatusChange
from ordersys.usecase.orders.read_orders import OrderNotFound


class OrderUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("order_unknown", Kind.NOT_FOUND, f"Order {order_id} does not exist.")


@dataclass(slots=True, kw_only=True)
class OrderMoves:
    """`orders`: as locked. Several moves of one order accumulate."""

    orders: Mapping[OrderId, LockedOrder]
    now: datetime
    changes: list[StatusChange] = field(default_factory=list)
    _statuses: dict[OrderId, Status] = field(default_factory=dict)

    def owned_by(self, order_id: OrderId, customer_id: CustomerId | None) -> bool:
        """Returns True, or raises OrderNotFound if the order does not exist or has another owner (None: any owner)."""
        order = self.orders.get(order_id)
        if order is None or customer_id not in {None, order.customer_id}:
            raise OrderNotFound
        return True

    def move(
        self, order_id: OrderId, move: Move, *, reason: str | None = None, event_id: EventId | None = None
    ) -> bool:
        """Returns False if the order already had that status. Raises IllegalMove or OrderUnknown."""
        if order_id not in self.orders:
            raise OrderUnknown(order_id)
        before = self._statuses.get(order_id, self.orders[order_id].status)
        steps = path(before, move)
        for after in steps:
            self._step(order_id, before, after, reason, event_id)
            before = after
        return bool(steps)

    def _step(
        self, order_id: OrderId, before: Status, after: Status, reason: str | None, event_id: EventId | None
    ) -> None:
        self._statuses[order_id] = after
        self.changes.append(
            StatusChange(order_id=order_id, before=before, after=after, at=self.now, reason=reason, event_id=event_id)
        )

    async def write(self, transaction: OrderTransaction, meter: OrderMeter) -> None:
        if not self.changes:
            return
        await transaction.orders.change(self.changes)
        transaction.changed(change.order_id for change in self.changes)
        without_seats = [change.order_id for change in self.changes if change.after in WITHOUT_SEATS]
        if without_seats:
            await _release_seats(without_seats, transaction)
        transaction.on_commit(lambda: self._count(meter))

    def _count(self, meter: OrderMeter) -> None:
        for change in self.changes:
            if change.after in FINAL:
                meter.finished(change.after, (change.at - self.orders[change.order_id].created_at).total_seconds())


async def _release_seats(order_ids: Iterable[OrderId], transaction: OrderTransaction) -> None:
    seats = await transaction.orders.seats(order_ids)
    await transaction.seats.lock(seats)
    await transaction.seats.take({flight_id: -number for flight_id, number in seats.items()})
