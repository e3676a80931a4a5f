"""Refunds completed orders. Tickets are voided first, then the payment is refunded."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordersys.domain.orders.events import RefundRequested
from ordersys.domain.orders.order import Move
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import CustomerId, Ids, OrderId
from ordersys.messaging.envelope import Cause
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.orders.order_moves import OrderMoves
from ordersys.usecase.orders.ports import OrderMeter, OrderTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """`customer_id`: the owner; None: any owner."""

    order_id: OrderId
    customer_id: CustomerId | None
    reason: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrders:
    """Refunding is idempotent: an order that is being refunded, or was refunded, gets no second event."""

    unit_of_work: UnitOfWork[OrderTransaction]
    clock: Clock
    ids: Ids
    meter: OrderMeter

    async def execute(self, commands: Sequence[RefundOrder]) -> None:
        """Raises OrderNotFound or IllegalMove for the whole batch."""
        async with self.unit_of_work.begin() as transaction:
            orders = await transaction.orders.lock({command.order_id for command in commands})
            moves = OrderMoves(orders=orders, now=self.clock.now())
            events = [
                outgoing(
                    RefundRequested(order_id=command.order_id, reason=command.reason),
                    order_id=command.order_id,
                    at=moves.now,
                    cause=command.cause,
                    ids=self.ids,
                )
                for command in commands
                if moves.owned_by(command.order_id, command.customer_id)
                and moves.move(command.order_id, Move.REQUEST_REFUND, reason=command.reason)
            ]
            await moves.write(transaction, self.meter)
            await transaction.outbox.append(events)
