"""Advances orders on events of other services. A cancelled or refunded order releases its seats."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordersys.domain.orders.order import Move
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.orders.order_moves import OrderMoves
from ordersys.usecase.orders.ports import OrderMeter, OrderTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceOrder:
    """`reason`: stored with a cancellation."""

    order_id: OrderId
    move: Move
    event_id: EventId
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceOrders:
    unit_of_work: UnitOfWork[OrderTransaction]
    clock: Clock
    meter: OrderMeter

    async def execute(self, commands: Sequence[AdvanceOrder]) -> None:
        """Commands for one order are applied in order. Raises IllegalMove or OrderUnknown for the whole batch."""
        async with self.unit_of_work.begin() as transaction:
            orders = await transaction.orders.lock({command.order_id for command in commands})
            moves = OrderMoves(orders=orders, now=self.clock.now())
            for command in commands:
                moves.move(command.order_id, command.move, reason=command.reason, event_id=command.event_id)
            await moves.write(transaction, self.meter)
