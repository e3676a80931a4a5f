"""Changes payments: captures authorized ones; releases or refunds those that are no longer wanted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from ordersys.domain.payments.payment import CALLS, Charge, Demand, PaymentStatus, asked
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.envelope import Cause
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.payments.ports import Change, Intent, IntentDispatcher, Lease, PaymentTransaction


class PaymentUnknown(DomainError):
    def __init__(self, order_id: OrderId) -> None:
        super().__init__("payment_unknown", Kind.NOT_FOUND, f"Order {order_id} has no payment.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePayment:
    """`unless_known`: the charge to void in advance if the payment does not exist yet, so that it is never
    requested.
    """

    order_id: OrderId
    demand: Demand
    cause: Cause
    unless_known: Charge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePayments:
    unit_of_work: UnitOfWork[PaymentTransaction]
    clock: Clock
    dispatcher: IntentDispatcher

    async def execute(self, commands: Sequence[ChangePayment]) -> None:
        """Commands for one order are applied in order. Raises IllegalPaymentMove or PaymentUnknown for the whole
        batch.
        """
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            # Insert first, then lock: that also finds a payment that another transaction is just requesting.
            await transaction.payments.request(_voided_in_advance(commands), at=now)
            before = await transaction.payments.lock({command.order_id for command in commands})
            leases = repeat(self.dispatcher.lease(now), self.dispatcher.capacity())
            changes = _changes(commands, before, leases)
            if changes:
                calls = await transaction.payments.change(changes, at=now)
                transaction.on_commit(partial(self.dispatcher.dispatch, calls))


def _voided_in_advance(commands: Sequence[ChangePayment]) -> list[Intent]:
    return [
        Intent(charge=command.unless_known, status=PaymentStatus.VOIDED, cause=command.cause)
        for command in commands
        if command.unless_known
    ]


def _changes(
    commands: Sequence[ChangePayment], before: Mapping[OrderId, PaymentStatus], leases: Iterator[Lease]
) -> Sequence[Change]:
    """Returns the last change of each order, with the event that led to it as its cause. `leases`: one per call that
    may be claimed.
    """
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
    return [
        Change(
            order_id=order_id,
            becomes=after[order_id],
            cause=cause,
            lease=next(leases, None) if after[order_id] in CALLS else None,
        )
        for order_id, cause in causes.items()
    ]
