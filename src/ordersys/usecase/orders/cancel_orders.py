"""Cancels orders, for the customer or after their deadline. Other services receive OrderCancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ordersys.domain.orders.events import OrderCancelled
from ordersys.domain.orders.order import Move
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import CustomerId, Ids, OrderId
from ordersys.messaging.envelope import Cause, Outgoing
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.orders.order_moves import OrderMoves
from ordersys.usecase.orders.ports import LockedOrder, OrderMeter, OrderTransaction

DEADLINE_PASSED = "deadline_passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """`customer_id`: the owner; None: any owner."""

    order_id: OrderId
    customer_id: CustomerId | None
    reason: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrders:
    """Cancelling is idempotent: an order that is already cancelled gets no second event."""

    unit_of_work: UnitOfWork[OrderTransaction]
    clock: Clock
    ids: Ids
    meter: OrderMeter

    async def execute(self, commands: Sequence[CancelOrder]) -> None:
        """Raises OrderNotFound or IllegalMove for the whole batch."""
        async with self.unit_of_work.begin() as transaction:
            orders = await transaction.orders.lock({command.order_id for command in commands})
            moves = OrderMoves(orders=orders, now=self.clock.now())
            events = [
                _cancelled(orders[command.order_id], command.reason, command.cause, moves, self.ids)
                for command in commands
                if moves.owned_by(command.order_id, command.customer_id)
                and moves.move(command.order_id, Move.CANCEL, reason=command.reason)
            ]
            await moves.write(transaction, self.meter)
            await transaction.outbox.append(events)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireOrders:
    """Cancels orders that exceeded their deadline. Any number of workers may run it: each takes other orders."""

    unit_of_work: UnitOfWork[OrderTransaction]
    clock: Clock
    ids: Ids
    meter: OrderMeter
    deadline: timedelta
    batch_size: int = 200

    async def run_once(self) -> int:
        """Returns the number of orders that it cancelled."""
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            orders = await transaction.orders.lock_overdue(now - self.deadline, self.batch_size)
            moves = OrderMoves(orders=orders, now=now)
            events: list[Outgoing] = []
            for order in orders.values():
                moves.move(order.order_id, Move.CANCEL, reason=DEADLINE_PASSED)
                cause = Cause(correlation_id=str(self.ids.new()))
                events.append(_cancelled(order, DEADLINE_PASSED, cause, moves, self.ids))
            await moves.write(transaction, self.meter)
            await transaction.outbox.append(events)
        return len(orders)


def _cancelled(order: LockedOrder, reason: str, cause: Cause, moves: OrderMoves, ids: Ids) -> Outgoing:
    event = OrderCancelled(
        order_id=order.order_id, total=order.total, payment_method=order.payment_method, reason=reason
    )
    return outgoing(event, order_id=order.order_id, at=moves.now, cause=cause, ids=ids)
