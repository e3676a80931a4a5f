"""Request payments: write down that the gateway must be asked. The call itself is the dispatcher's
(settle_payments), to whom it is handed over behind the commit. A crash in between leaves a lease that runs out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ordersys.domain.payments.payment import Charge, PaymentStatus
from ordersys.domain.shared.clock import Clock
from ordersys.messaging.envelope import Cause
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.payments.ports import Handover, Intent, PaymentTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment:
    charge: Charge
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayments:
    unit_of_work: UnitOfWork[PaymentTransaction]
    clock: Clock
    handover: Handover

    async def execute(self, commands: Sequence[RequestPayment]) -> None:
        async with self.unit_of_work.begin() as transaction:
            now, room = self.clock.now(), self.handover.room()
            intents = [
                Intent(
                    charge=command.charge,
                    status=PaymentStatus.REQUESTED,
                    cause=command.cause,
                    attempts=int(number < room),
                )
                for number, command in enumerate(commands)
            ]
            written = await transaction.payments.request(intents, at=now, lease=self.handover.lease(now))
            transaction.on_commit(partial(self.handover.take, written))
