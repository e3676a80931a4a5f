"""Settle payments: claim due intents, ask the gateway with no transaction open, record the answers.

A crash between asking and recording asks again after the lease, with the same key: the gateway answers as before. An
answer counts only while the payment still waits for just that, so two askers make one result and one event, and an
answer that comes after the order was cancelled makes none. What an answer leads to does not depend on anything but its
question; so it is decided beforehand, and the statement that writes it looks whether it is still awaited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined, PaymentRefunded, PaymentVoided
from ordersys.domain.payments.payment import (
    Answer,
    Authorized,
    Charge,
    Declined,
    PaymentStatus,
    Settled,
    Unanswered,
    answered,
)
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import Ids
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.payments.ports import Intent, Lease, PaymentTransaction, SettledIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPayments:
    """`owner` is the stable name of this process; `lease_seconds` must outlast a call to the gateway."""

    unit_of_work: UnitOfWork[PaymentTransaction]
    clock: Clock
    owner: str
    lease_seconds: float

    async def execute(self, limit: int) -> Sequence[Intent]:
        now = self.clock.now()
        async with self.unit_of_work.begin() as transaction:
            intents = await transaction.payments.claim(limit, at=now, lease=self.lease(now))
            transaction.changed(intent.charge.order_id for intent in intents)
        return intents

    def lease(self, at: datetime) -> Lease:
        return Lease(owner=self.owner, until=at + timedelta(seconds=self.lease_seconds))

    async def reclaim(self) -> int:
        """After a restart: what this name had claimed before the crash is due at once. Answers how many."""
        async with self.unit_of_work.begin() as transaction:
            return await transaction.payments.reclaim(self.owner, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayment:
    intent: Intent
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayments:
    """`retry_delays`: seconds before the gateway is asked again; the last one repeats. `work` may commit each
    statement by itself: what is settled and what is postponed have nothing in common.
    """

    unit_of_work: UnitOfWork[PaymentTransaction]
    clock: Clock
    ids: Ids
    retry_delays: Sequence[float]

    async def execute(self, commands: Sequence[RecordPayment]) -> Sequence[None]:
        now = self.clock.now()
        settled: list[SettledIntent] = []
        postponed: list[tuple[Intent, str, datetime]] = []
        for command in _first_answers(commands):
            if isinstance(command.answer, Unanswered):
                postponed.append((command.intent, command.answer.error, self._next(command.intent, now)))
            else:
                settled.append(self._settled(command.intent, command.answer, now))
        async with self.unit_of_work.begin() as transaction:
            if settled:
                await transaction.payments.settle(settled, at=now)
            if postponed:
                await transaction.payments.postpone(postponed)
            transaction.changed(command.intent.charge.order_id for command in commands)
        return [None] * len(commands)

    def _next(self, intent: Intent, now: datetime) -> datetime:
        index = min(intent.attempts, len(self.retry_delays)) - 1
        return now + timedelta(seconds=self.retry_delays[max(index, 0)])

    def _settled(self, intent: Intent, answer: Settled, now: datetime) -> SettledIntent:
        """Raises IllegalPaymentMove for an answer to another question."""
        becomes = answered(intent.status, answer)
        told = _told(intent.charge, answer, becomes)
        event = None
        if told:
            event = outgoing(told, order_id=intent.charge.order_id, at=now, cause=intent.cause, ids=self.ids)
        return SettledIntent(intent=intent, answer=answer, becomes=becomes, event=event)


def _told(charge: Charge, answer: Settled, becomes: PaymentStatus) -> Event | None:
    """A capture is told to nobody: the order was complete before."""
    order_id = charge.order_id
    if isinstance(answer, Authorized):
        return PaymentAuthorized(order_id=order_id, amount=charge.amount, authorization_id=answer.authorization_id)
    if isinstance(answer, Declined):
        return PaymentDeclined(order_id=order_id, reason=answer.reason)
    if becomes is PaymentStatus.VOIDED:
        return PaymentVoided(order_id=order_id)
    if becomes is PaymentStatus.REFUNDED:
        return PaymentRefunded(order_id=order_id, amount=charge.amount)
    return None


def _first_answers(commands: Sequence[RecordPayment]) -> list[RecordPayment]:
    """One per order and question: its first answer, or its first Unanswered if there is none."""
    answers_first = sorted(commands, key=lambda command: isinstance(command.answer, Unanswered))
    return first_of_each(answers_first, lambda command: (command.intent.charge.order_id, command.intent.status))
