"""The Payments port in memory; tests/contract/test_payments.py holds it to what PostgreSQL does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ordersys.domain.payments.payment import Authorized, Declined, PaymentStatus
from ordersys.domain.shared.ids import OrderId
from ordersys.infrastructure.gateways.simulator import Call, Entry
from ordersys.usecase.payments.ports import Intent
from tests.fakes.memory import Changes, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    intent: Intent
    next_at: datetime | None
    status: PaymentStatus = PaymentStatus.REQUESTED
    owner: str | None = None
    until: datetime | None = None
    answer: Authorized | Declined | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTables:
    payments: Table[OrderId, PaymentRow] = field(default_factory=Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePayments:
    tables: PaymentTables
    changes: Changes

    async def request(self, intents: Sequence[Intent], *, at: datetime) -> None:
        for intent in intents:
            if intent.charge.order_id not in self.changes.rows(self.tables.payments):
                row = PaymentRow(intent=replace(intent, attempts=0), next_at=at)
                self.changes.put(self.tables.payments, intent.charge.order_id, row)

    async def claim(self, limit: int, *, at: datetime, until: datetime, owner: str) -> Sequence[Intent]:
        due = [(row.next_at, key) for key, row in self._rows() if row.next_at and row.next_at <= at and _free(row, at)]
        free = (key for _, key in sorted(due) if self.changes.try_lock(self.tables.payments, key))
        mine = list(islice(free, limit))
        for key, row in self._rows():
            if key in mine:
                intent = replace(row.intent, attempts=row.intent.attempts + 1)
                self._change(key, intent=intent, owner=owner, until=until)
        return [row.intent for key, row in self._rows() if key in mine]

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        held = [key for key, row in self._rows() if row.next_at and row.owner == owner and row.until and row.until > at]
        for key in held:
            self._change(key, until=None)
        return len(held)

    async def open(self, order_ids: Iterable[OrderId]) -> set[OrderId]:
        wanted = set(order_ids)
        await self.changes.lock(self.tables.payments, wanted)
        return {key for key, row in self._rows() if key in wanted and row.status is PaymentStatus.REQUESTED}

    async def settle(self, answers: Sequence[tuple[Intent, Authorized | Declined]], *, at: datetime) -> None:
        for intent, answer in answers:
            status = PaymentStatus.AUTHORIZED if isinstance(answer, Authorized) else PaymentStatus.DECLINED
            done = {"status": status, "answer": answer}
            self._change(intent.charge.order_id, next_at=None, owner=None, until=None, **done)

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        for intent, error, at in unanswered:
            self._change(intent.charge.order_id, error=error, next_at=at, owner=None, until=None)

    def _rows(self) -> Sequence[tuple[OrderId, PaymentRow]]:
        return list(self.changes.rows(self.tables.payments).items())

    def _change(self, key: OrderId, **fields: Any) -> None:
        row = self.changes.rows(self.tables.payments)[key]
        self.changes.put(self.tables.payments, key, replace(row, **fields))


def _free(row: PaymentRow, at: datetime) -> bool:
    return row.until is None or row.until < at


class FakeBooks:
    """The demo gateway's books."""

    def __init__(self) -> None:
        self.calls: dict[OrderId, int] = {}

    async def record(self, calls: Sequence[Call]) -> Sequence[Entry]:
        for order_id in {call.charge.order_id for call in calls}:
            self.calls[order_id] = self.calls.get(order_id, 0) + 1
        return [
            Entry(authorization_id=f"auth_{call.charge.order_id}", calls=self.calls[call.charge.order_id])
            for call in calls
        ]
