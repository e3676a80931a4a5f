"""Change payments: capture what was authorized, give up or give back what is no longer wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ordersys.domain.payments.payment import Charge, Demand, PaymentStatus, asked
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.envelope import Cause
from ordersys.messaging.work import Work
from ordersys.usecase.payments.ports import Change, Intent, PaymentTransaction


class PaymentUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("payment_unknown", Kind.NOT_FOUND, f"order {order_id} has no payment")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePayment:
    """`unless_known`: what to void for good if the payment is not known yet, so that it cannot be requested later."""

    order_id: OrderId
    demand: Demand
    cause: Cause
    unless_known: Charge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePayments:
    """`wake` tells the dispatcher of this process that there is work."""

    work: Work[PaymentTransaction]
    clock: Clock
    wake: Callable[[], None]

    async def execute(self, commands: Sequence[ChangePayment]) -> None:
        """Several commands for one order are folded in their order. Raises IllegalPaymentMove or PaymentUnknown for
        all.
        """
        async with self.work.begin() as transaction:
            now = self.clock.now()
            before = await transaction.payments.lock({command.order_id for command in commands})
            after = dict(before)
            causes = {command.order_id: command.cause for command in commands}
            for command in commands:
                after[command.order_id] = _next(command, after.get(command.order_id))
            changes = [
                Change(order_id=order_id, becomes=status, cause=causes[order_id])
                for order_id, status in after.items()
                if order_id in before and before[order_id] is not status
            ]
            never = [_never(command) for command in commands if command.order_id not in before]
            if never:
                await transaction.payments.request(never, at=now)
            if changes:
                await transaction.payments.change(changes, at=now)
                transaction.on_commit(self.wake)


def _next(command: ChangePayment, status: PaymentStatus | None) -> PaymentStatus:
    if status is not None:
        return asked(status, command.demand)
    if command.unless_known is None:
        raise PaymentUnknown(command.order_id)
    return PaymentStatus.VOIDED


def _never(command: ChangePayment) -> Intent:
    if command.unless_known is None:
        raise PaymentUnknown(command.order_id)
    return Intent(charge=command.unless_known, status=PaymentStatus.VOIDED, cause=command.cause)
