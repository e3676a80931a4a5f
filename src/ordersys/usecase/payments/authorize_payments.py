"""Authorize payments: claim due intents, ask the gateway with no transaction open, record the answers.

A crash between asking and recording asks again after the lease, with the same key: the gateway answers as before. An
answer counts only while the payment is still open, so two askers make one result and one event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined
from ordersys.domain.payments.payment import Answer, Authorized, Declined, Unanswered
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids, OrderId
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.work import Work
from ordersys.usecase.payments.ports import Intent, PaymentTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPayments:
    """`owner` is the stable name of this process; `lease_seconds` must outlast a call to the gateway."""

    work: Work[PaymentTransaction]
    clock: Clock
    owner: str
    lease_seconds: float

    async def execute(self, limit: int) -> Sequence[Intent]:
        now = self.clock.now()
        until = now + timedelta(seconds=self.lease_seconds)
        async with self.work.begin() as transaction:
            return await transaction.payments.claim(limit, at=now, until=until, owner=self.owner)

    async def reclaim(self) -> int:
        """After a restart: what this name had claimed before the crash is due at once. Answers how many."""
        async with self.work.begin() as transaction:
            return await transaction.payments.reclaim(self.owner, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayment:
    intent: Intent
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayments:
    """`retry_delays`: seconds before the gateway is asked again; the last one repeats."""

    work: Work[PaymentTransaction]
    clock: Clock
    ids: Ids
    retry_delays: Sequence[float]

    async def execute(self, commands: Sequence[RecordPayment]) -> Sequence[None]:
        async with self.work.begin() as transaction:
            now = self.clock.now()
            open_orders = await transaction.payments.open({_order(command) for command in commands})
            counted = [command for command in _first_answers(commands) if _order(command) in open_orders]
            settled = [(c.intent, c.answer) for c in counted if not isinstance(c.answer, Unanswered)]
            postponed = [
                (c.intent, c.answer.error, self._next(c.intent, now))
                for c in counted
                if isinstance(c.answer, Unanswered)
            ]
            if settled:
                await transaction.payments.settle(settled, at=now)
                await transaction.outbox.append([self._event(intent, answer, now) for intent, answer in settled])
            if postponed:
                await transaction.payments.postpone(postponed)
        return [None] * len(commands)

    def _next(self, intent: Intent, now: datetime) -> datetime:
        index = min(intent.attempts, len(self.retry_delays)) - 1
        return now + timedelta(seconds=self.retry_delays[max(index, 0)])

    def _event(self, intent: Intent, answer: Authorized | Declined, now: datetime) -> Outgoing:
        charge = intent.charge
        event: PaymentAuthorized | PaymentDeclined
        if isinstance(answer, Authorized):
            event = PaymentAuthorized(
                order_id=charge.order_id, amount=charge.amount, authorization_id=answer.authorization_id
            )
        else:
            event = PaymentDeclined(order_id=charge.order_id, reason=answer.reason)
        return outgoing(event, order_id=charge.order_id, at=now, cause=intent.cause, ids=self.ids)


def _order(command: RecordPayment) -> OrderId:
    return command.intent.charge.order_id


def _first_answers(commands: Sequence[RecordPayment]) -> list[RecordPayment]:
    """One per order: its first answer, or its first Unanswered if there is none."""
    answers_first = sorted(commands, key=lambda command: isinstance(command.answer, Unanswered))
    return first_of_each(answers_first, _order)
