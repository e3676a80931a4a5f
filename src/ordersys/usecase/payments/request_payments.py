"""Request payments: write down that the gateway must be asked. The call itself is the dispatcher's
(settle_payments).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ordersys.domain.payments.payment import Charge, PaymentStatus
from ordersys.domain.shared.clock import Clock
from ordersys.messaging.envelope import Cause
from ordersys.messaging.work import Work
from ordersys.usecase.payments.ports import Intent, PaymentTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment:
    charge: Charge
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayments:
    """`wake` tells the dispatcher of this process that there is work."""

    work: Work[PaymentTransaction]
    clock: Clock
    wake: Callable[[], None]

    async def execute(self, commands: Sequence[RequestPayment]) -> None:
        async with self.work.begin() as transaction:
            intents = [
                Intent(charge=command.charge, status=PaymentStatus.REQUESTED, cause=command.cause)
                for command in commands
            ]
            await transaction.payments.request(intents, at=self.clock.now())
            transaction.on_commit(self.wake)
