"""Change payments: capture what was authorized, give up or give back what is no longer wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ordersys.domain.payments.payment import CALLS, Charge, Demand, PaymentStatus, asked
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.envelope import Cause
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.payments.ports import Change, Handover, Intent, PaymentTransaction


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
    unit_of_work: UnitOfWork[PaymentTransaction]
    clock: Clock
    handover: Handover

    async def execute(self, commands: Sequence[ChangePayment]) -> None:
        """Several commands for one order are folded in their order. Raises IllegalPaymentMove or PaymentUnknown for
        all.
        """
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            lease = self.handover.lease(now)
            # Written first, and locked then: a payment that somebody else is just requesting is found, too.
            await transaction.payments.request(_never(commands), at=now, lease=lease)
            before = await transaction.payments.lock({command.order_id for command in commands})
            changes = _changes(commands, before, self.handover.room())
            if changes:
                calls = await transaction.payments.change(changes, at=now, lease=lease)
                transaction.on_commit(partial(self.handover.take, calls))


def _never(commands: Sequence[ChangePayment]) -> list[Intent]:
    return [
        Intent(charge=command.unless_known, status=PaymentStatus.VOIDED, cause=command.cause)
        for command in commands
        if command.unless_known
    ]


def _changes(commands: Sequence[ChangePayment], before: Mapping[OrderId, PaymentStatus], room: int) -> Sequence[Change]:
    """The last change of each order; its cause is the event that led to it. `room`: so many calls may be claimed."""
    after = dict(before)
    causes: dict[OrderId, Cause] = {}
    for command in commands:
        order_id = command.order_id
        if order_id not in after:
            raise PaymentUnknown(order_id)
        becomes = asked(after[order_id], command.demand)
        if becomes is not after[order_id]:
            after[order_id] = becomes
            causes[order_id] = command.cause
    calls = [order_id for order_id in causes if after[order_id] in CALLS]
    claimed = set(calls[:room])
    return [
        Change(order_id=order_id, becomes=after[order_id], cause=cause, attempts=int(order_id in claimed))
        for order_id, cause in causes.items()
    ]
