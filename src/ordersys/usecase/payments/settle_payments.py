"""Settle payments: claim due intents, ask the gateway with no transaction open, record the answers.

A crash between asking and recording asks again after the lease, with the same key: the gateway answers as before. An
answer counts only while the payment still waits for just that, so two askers make one result and one event, and an
answer that comes after the order was cancelled makes none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined, PaymentRefunded, PaymentVoided
from ordersys.domain.payments.payment import (
    Answer,
    Authorized,
    Declined,
    PaymentStatus,
    Unanswered,
    answered,
)
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import Ids, OrderId
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.work import Work
from ordersys.usecase.payments.ports import Intent, Lease, PaymentTransaction, SettledIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPayments:
    """`owner` is the stable name of this process; `lease_seconds` must outlast a call to the gateway."""

    work: Work[PaymentTransaction]
    clock: Clock
    owner: str
    lease_seconds: float

    async def execute(self, limit: int) -> Sequence[Intent]:
        now = self.clock.now()
        async with self.work.begin() as transaction:
            return await transaction.payments.claim(limit, at=now, lease=self.lease(now))

    def lease(self, at: datetime) -> Lease:
        return Lease(owner=self.owner, until=at + timedelta(seconds=self.lease_seconds))

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
            statuses = await transaction.payments.lock({_order(command) for command in commands})
            awaited = [command for command in commands if statuses.get(_order(command)) is command.intent.status]
            counted = _first_answers(awaited)
            settled = [_settled(command.intent, command.answer) for command in counted if _final(command)]
            if settled:
                await transaction.payments.settle(settled, at=now)
                await transaction.outbox.append(self._events(settled, now))
            postponed = [
                (command.intent, command.answer.error, self._next(command.intent, now))
                for command in counted
                if isinstance(command.answer, Unanswered)
            ]
            if postponed:
                await transaction.payments.postpone(postponed)
        return [None] * len(commands)

    def _next(self, intent: Intent, now: datetime) -> datetime:
        index = min(intent.attempts, len(self.retry_delays)) - 1
        return now + timedelta(seconds=self.retry_delays[max(index, 0)])

    def _events(self, settled: Sequence[SettledIntent], now: datetime) -> list[Outgoing]:
        return [
            outgoing(event, order_id=one.intent.charge.order_id, at=now, cause=one.intent.cause, ids=self.ids)
            for one in settled
            for event in _told(one)
        ]


def _told(settled: SettledIntent) -> list[Event]:
    """A capture is told to nobody: the order was complete before."""
    charge, answer = settled.intent.charge, settled.answer
    order_id = charge.order_id
    if isinstance(answer, Authorized):
        authorization = answer.authorization_id
        return [PaymentAuthorized(order_id=order_id, amount=charge.amount, authorization_id=authorization)]
    if isinstance(answer, Declined):
        return [PaymentDeclined(order_id=order_id, reason=answer.reason)]
    if settled.becomes is PaymentStatus.VOIDED:
        return [PaymentVoided(order_id=order_id)]
    if settled.becomes is PaymentStatus.REFUNDED:
        return [PaymentRefunded(order_id=order_id, amount=charge.amount)]
    return []


def _settled(intent: Intent, answer: Answer) -> SettledIntent:
    if isinstance(answer, Unanswered):
        raise TypeError("no answer settles nothing")
    return SettledIntent(intent=intent, answer=answer, becomes=answered(intent.status, answer))


def _final(command: RecordPayment) -> bool:
    return not isinstance(command.answer, Unanswered)


def _order(command: RecordPayment) -> OrderId:
    return command.intent.charge.order_id


def _first_answers(commands: Sequence[RecordPayment]) -> list[RecordPayment]:
    """One per order: its first answer, or its first Unanswered if there is none."""
    answers_first = sorted(commands, key=lambda command: not _final(command))
    return first_of_each(answers_first, _order)
