"""Payments and their intents: a payment is due while `next_attempt_at` is set, and leased while `claimed_until` is
ahead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from ordersys.domain.payments.payment import Authorized, Charge, Declined, PaymentStatus
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres.codec import cause_to_json, headers_from
from ordersys.infrastructure.postgres.session import Row, Session
from ordersys.usecase.payments.ports import Intent

REQUEST = text("""
    INSERT INTO payments (order_id, method, amount, currency, status, next_attempt_at, cause, created_at, updated_at)
    SELECT order_id, method, amount, currency, 'REQUESTED', :at, CAST(cause AS jsonb), :at, :at
    FROM unnest(CAST(:orders AS uuid[]), CAST(:methods AS text[]), CAST(:amounts AS bigint[]),
        CAST(:currencies AS text[]), CAST(:causes AS text[])) AS intent (order_id, method, amount, currency, cause)
    ON CONFLICT (order_id) DO NOTHING
""")

CLAIM = text("""
    UPDATE payments SET attempts = attempts + 1, claimed_by = :owner, claimed_until = :until
    WHERE order_id IN (
        SELECT order_id FROM payments
        WHERE next_attempt_at <= :at AND (claimed_until IS NULL OR claimed_until < :at)
        ORDER BY next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING order_id, method, amount, currency, CAST(cause AS text) AS cause, attempts
""")

RECLAIM = text("""
    UPDATE payments SET claimed_until = NULL
    WHERE next_attempt_at IS NOT NULL AND claimed_by = :owner AND claimed_until > :at
""")

OPEN = text("""
    SELECT order_id FROM payments WHERE order_id = ANY(CAST(:ids AS uuid[])) AND status = 'REQUESTED'
    ORDER BY order_id FOR UPDATE
""")

SETTLE = text("""
    UPDATE payments SET status = answer.status, authorization_id = answer.authorization_id, reason = answer.reason,
        next_attempt_at = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = :at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:authorizations AS text[]),
        CAST(:reasons AS text[])) AS answer (order_id, status, authorization_id, reason)
    WHERE payments.order_id = answer.order_id
""")

POSTPONE = text("""
    UPDATE payments SET last_error = later.error, next_attempt_at = later.at, claimed_by = NULL, claimed_until = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:errors AS text[]), CAST(:moments AS timestamptz[]))
        AS later (order_id, error, at)
    WHERE payments.order_id = later.order_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRepository:
    """Implements usecase.payments.ports.Payments."""

    connection: Session

    async def request(self, intents: Sequence[Intent], *, at: datetime) -> None:
        columns = {
            "orders": [intent.charge.order_id for intent in intents],
            "methods": [intent.charge.method for intent in intents],
            "amounts": [intent.charge.amount.amount for intent in intents],
            "currencies": [intent.charge.amount.currency for intent in intents],
            "causes": [cause_to_json(intent.cause) for intent in intents],
        }
        await self.connection.execute(REQUEST, {"at": at, **columns})

    async def claim(self, limit: int, *, at: datetime, until: datetime, owner: str) -> Sequence[Intent]:
        bound = {"limit": limit, "at": at, "until": until, "owner": owner}
        return [_intent(row) for row in await self.connection.execute(CLAIM, bound)]

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        return (await self.connection.execute(RECLAIM, {"owner": owner, "at": at})).rowcount

    async def open(self, order_ids: Iterable[OrderId]) -> set[OrderId]:
        return set((await self.connection.execute(OPEN, {"ids": list(order_ids)})).scalars())

    async def settle(self, answers: Sequence[tuple[Intent, Authorized | Declined]], *, at: datetime) -> None:
        columns = {
            "ids": [intent.charge.order_id for intent, _ in answers],
            "statuses": [_status(answer) for _, answer in answers],
            "authorizations": [a.authorization_id if isinstance(a, Authorized) else None for _, a in answers],
            "reasons": [a.reason if isinstance(a, Declined) else None for _, a in answers],
        }
        await self.connection.execute(SETTLE, {"at": at, **columns})

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        columns = {
            "ids": [intent.charge.order_id for intent, _, _ in unanswered],
            "errors": [error[:500] for _, error, _ in unanswered],
            "moments": [moment for _, _, moment in unanswered],
        }
        await self.connection.execute(POSTPONE, columns)


def _status(answer: Authorized | Declined) -> str:
    return str(PaymentStatus.AUTHORIZED if isinstance(answer, Authorized) else PaymentStatus.DECLINED)


def _intent(row: Row) -> Intent:
    charge = Charge(
        order_id=OrderId(row.order_id), amount=Money(amount=row.amount, currency=row.currency), method=row.method
    )
    cause, _ = headers_from(row.cause)
    return Intent(charge=charge, cause=cause, attempts=row.attempts)
