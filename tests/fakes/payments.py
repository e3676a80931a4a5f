"""The Payments port and the gateway's books in memory; tests/contract holds them to what PostgreSQL does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ordersys.domain.payments.payment import CALLS, Authorized, Call, Declined, PaymentStatus
from ordersys.domain.shared.ids import OrderId
from ordersys.infrastructure.gateways.simulator import GatewayCall, GatewayDecision
from ordersys.messaging.outbox import Outbox
from ordersys.usecase.payments.ports import Change, Intent, Lease, SettledIntent
from tests.fakes.memory import Changes, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """The intent's own status is that of the payment."""

    intent: Intent
    next_at: datetime | None
    owner: str | None = None
    until: datetime | None = None
    authorization_id: str | None = None
    reason: str | None = None
    error: str | None = None

    @property
    def status(self) -> PaymentStatus:
        return self.intent.status


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTables:
    payments: Table[OrderId, PaymentRow] = field(default_factory=Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePayments:
    """`outbox`: of the same transaction."""

    tables: PaymentTables
    changes: Changes
    outbox: Outbox

    async def request(self, intents: Sequence[Intent], *, at: datetime) -> Sequence[Intent]:
        await self.changes.lock(self.tables.payments, {intent.charge.order_id for intent in intents})
        written = []
        for intent in intents:
            if intent.charge.order_id not in self.changes.rows(self.tables.payments):
                row = PaymentRow(intent=intent, next_at=_due(intent.status, at), **_claimed(intent.lease))
                self.changes.put(self.tables.payments, intent.charge.order_id, row)
                written.append(intent)
        return written

    async def claim(self, limit: int, *, at: datetime, lease: Lease) -> Sequence[Intent]:
        due = [(row.next_at, key) for key, row in self._rows() if row.next_at and row.next_at <= at and _free(row, at)]
        free = (key for _, key in sorted(due) if self.changes.try_lock(self.tables.payments, key))
        mine = list(islice(free, limit))
        for key, row in self._rows():
            if key in mine:
                intent = replace(row.intent, attempts=row.intent.attempts + 1, lease=lease)
                self._change(key, intent=intent, owner=lease.owner, until=lease.until)
        return [row.intent for key, row in self._rows() if key in mine]

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        held = [key for key, row in self._rows() if row.next_at and row.owner == owner and row.until and row.until > at]
        for key in held:
            self._change(key, until=None)
        return len(held)

    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, PaymentStatus]:
        wanted = set(order_ids)
        await self.changes.lock(self.tables.payments, wanted)
        return {key: row.status for key, row in self._rows() if key in wanted}

    async def change(self, changes: Sequence[Change], *, at: datetime) -> Sequence[Intent]:
        for change in changes:
            before = self.changes.rows(self.tables.payments)[change.order_id].intent
            attempts = 1 if change.lease else 0
            intent = replace(before, status=change.becomes, cause=change.cause, attempts=attempts, lease=change.lease)
            claimed, due = _claimed(change.lease), _due(change.becomes, at)
            self._change(change.order_id, intent=intent, next_at=due, error=None, **claimed)
        after = [self.changes.rows(self.tables.payments)[change.order_id].intent for change in changes]
        return [intent for intent in after if intent.status in CALLS]

    async def settle(self, answers: Sequence[SettledIntent], *, at: datetime) -> None:
        awaited = await self._awaited([one.intent for one in answers])
        for one in (one for one in answers if one.intent.charge.order_id in awaited[one.intent.status]):
            key, answer = one.intent.charge.order_id, one.answer
            before = self.changes.rows(self.tables.payments)[key]
            self._change(
                key,
                intent=replace(before.intent, status=one.becomes),
                next_at=None,
                owner=None,
                until=None,
                error=None,
                authorization_id=answer.authorization_id if isinstance(answer, Authorized) else before.authorization_id,
                reason=answer.reason if isinstance(answer, Declined) else before.reason,
            )
            if one.event:
                await self.outbox.append([one.event])

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        awaited = await self._awaited([intent for intent, _, _ in unanswered])
        for intent, error, at in unanswered:
            if intent.charge.order_id in awaited[intent.status]:
                self._change(intent.charge.order_id, error=error, next_at=at, owner=None, until=None)

    async def _awaited(self, intents: Sequence[Intent]) -> Mapping[PaymentStatus, set[OrderId]]:
        """The payments that wait, by what they wait for."""
        statuses = await self.lock([intent.charge.order_id for intent in intents])
        return {one: {key for key, status in statuses.items() if status is one} for one in PaymentStatus}

    def _rows(self) -> Sequence[tuple[OrderId, PaymentRow]]:
        return list(self.changes.rows(self.tables.payments).items())

    def _change(self, key: OrderId, **fields: Any) -> None:
        row = self.changes.rows(self.tables.payments)[key]
        self.changes.put(self.tables.payments, key, replace(row, **fields))


def _due(status: PaymentStatus, at: datetime) -> datetime | None:
    return at if status in CALLS else None


def _claimed(lease: Lease | None) -> dict[str, Any]:
    return {"owner": lease.owner, "until": lease.until} if lease else {"owner": None, "until": None}


def _free(row: PaymentRow, at: datetime) -> bool:
    return row.until is None or row.until < at


@dataclass(slots=True, kw_only=True)
class FakeDispatcher:
    """Records the dispatched intents. `places`: its capacity."""

    places: int = 0
    dispatched: list[Intent] = field(default_factory=list)

    def capacity(self) -> int:
        return self.places

    def lease(self, at: datetime) -> Lease:
        return Lease(owner="payment", until=at + timedelta(seconds=6))

    def dispatch(self, intents: Sequence[Intent]) -> None:
        self.dispatched.extend(intents)


@dataclass(slots=True, kw_only=True)
class FakeGatewayDecisions:
    """The demo gateway's books."""

    entries: dict[OrderId, GatewayDecision] = field(default_factory=dict)

    async def record(self, calls: Sequence[GatewayCall]) -> Sequence[GatewayDecision]:
        once = {(call.question, call.charge.order_id): call for call in calls}
        answers: dict[tuple[Call, OrderId], GatewayDecision] = {}
        for (question, key), call in sorted(once.items(), key=lambda one: list(Call).index(one[0][0])):
            answers[question, key] = self.entries[key] = _booked(call, self.entries.get(key))
        return [answers[call.question, call.charge.order_id] for call in calls]


def _booked(call: GatewayCall, known: GatewayDecision | None) -> GatewayDecision:
    status = known.status if known else None
    calls = (known.calls if known else 0) + (call.question is Call.AUTHORIZE)
    return GatewayDecision(
        status={Call.AUTHORIZE: _authorized, Call.CAPTURE: _captured, Call.RELEASE: _released}[call.question](
            status, calls, call.authorizes_at
        ),
        authorization_id=known.authorization_id if known else f"auth_{call.charge.order_id}",
        calls=calls,
    )


def _authorized(status: str | None, calls: int, authorizes_at: int | None) -> str:
    if status not in {None, "FAILED"}:
        return str(status)
    if authorizes_at is None:
        return "DECLINED"
    return "AUTHORIZED" if calls >= authorizes_at else "FAILED"


def _captured(status: str | None, calls: int, authorizes_at: int | None) -> str:
    return {None: "UNKNOWN", "AUTHORIZED": "CAPTURED"}.get(status, str(status))


def _released(status: str | None, calls: int, authorizes_at: int | None) -> str:
    return {"CAPTURED": "REFUNDED", "REFUNDED": "REFUNDED", "DECLINED": "DECLINED"}.get(str(status), "VOIDED")
