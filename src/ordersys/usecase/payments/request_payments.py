"""Requests payments: writes intents to authorize them. The dispatcher makes the calls after the commit (see
settle_payments). A crash in between leaves a lease that expires.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from ordersys.domain.payments.payment import Charge, PaymentStatus
from ordersys.domain.shared.clock import Clock
from ordersys.messaging.envelope import Cause
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.payments.ports import Intent, IntentDispatcher, Lease, PaymentTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment:
    charge: Charge
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayments:
    unit_of_work: UnitOfWork[PaymentTransaction]
    clock: Clock
    dispatcher: IntentDispatcher

    async def execute(self, commands: Sequence[RequestPayment]) -> None:
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            leases = repeat(self.dispatcher.lease(now), self.dispatcher.capacity())
            intents = [_intent(command, next(leases, None)) for command in commands]
            written = await transaction.payments.request(intents, at=now)
            transaction.on_commit(partial(self.dispatcher.dispatch, written))


def _intent(command: RequestPayment, lease: Lease | None) -> Intent:
    """Returns the intent to authorize; with a lease, its first attempt is already claimed."""
    return Intent(
        charge=command.charge,
        status=PaymentStatus.REQUESTED,
        cause=command.cause,
        attempts=1 if lease else 0,
        lease=lease,
    )
