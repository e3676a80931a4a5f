"""Payments and their intents: a payment is due while `next_attempt_at` is set, and leased while `claimed_until` is
ahead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from ordersys.domain.payments.payment import CALLS, Authorized, Charge, Declined, PaymentStatus
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres.codec import cause_from, cause_to_json
from ordersys.infrastructure.postgres.outbox_insert import event_columns, insert_from
from ordersys.infrastructure.postgres.session import Row, Session
from ordersys.messaging.ordering import first_of_each
from ordersys.usecase.payments.ports import Change, Intent, Lease, SettledIntent

REQUEST = text("""
    INSERT INTO payments (order_id, method, amount, currency, status, next_attempt_at, attempts, claimed_by,
        claimed_until, cause, created_at, updated_at)
    SELECT order_id, method, amount, currency, status, CASE WHEN due THEN CAST(:at AS timestamptz) END, attempts,
        owner, until, CAST(cause AS jsonb), :at, :at
    FROM unnest(CAST(:orders AS uuid[]), CAST(:methods AS text[]), CAST(:amounts AS bigint[]),
        CAST(:currencies AS text[]), CAST(:statuses AS text[]), CAST(:due AS boolean[]), CAST(:attempts AS int[]),
        CAST(:owners AS text[]), CAST(:untils AS timestamptz[]), CAST(:causes AS text[]))
        AS intent (order_id, method, amount, currency, status, due, attempts, owner, until, cause)
    ORDER BY order_id
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id
""")

CLAIM = text("""
    UPDATE payments SET attempts = attempts + 1, claimed_by = :owner, claimed_until = :until
    WHERE order_id IN (
        SELECT order_id FROM payments
        WHERE next_attempt_at <= :at AND (claimed_until IS NULL OR claimed_until < :at)
        ORDER BY next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING order_id, method, amount, currency, status, CAST(cause AS text) AS cause, attempts
""")

RECLAIM = text("""
    UPDATE payments SET claimed_until = NULL
    WHERE next_attempt_at IS NOT NULL AND claimed_by = :owner AND claimed_until > :at
""")

LOCK = text("""
    SELECT order_id, status FROM payments WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id FOR UPDATE
""")

# A new call restarts the count of attempts, and ends the lease of a process that still makes the old call.
CHANGE = text("""
    UPDATE payments SET status = changed.status, cause = CAST(changed.cause AS jsonb), attempts = changed.attempts,
        last_error = NULL, next_attempt_at = CASE WHEN changed.due THEN CAST(:at AS timestamptz) END,
        claimed_by = changed.owner, claimed_until = changed.until, updated_at = :at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:due AS boolean[]), CAST(:attempts AS int[]),
        CAST(:owners AS text[]), CAST(:untils AS timestamptz[]), CAST(:causes AS text[]))
        AS changed (order_id, status, due, attempts, owner, until, cause)
    WHERE payments.order_id = changed.order_id
    RETURNING payments.order_id, method, amount, currency
""")

# Locks those that still wait for just this, in id order. Who waits here for another transaction sees then what that one
# left of the row: of two answers to a question, the second finds nobody who waits for it.
_AWAITED = """
    awaited AS MATERIALIZED (
        SELECT answer.* FROM payments
        JOIN answer ON payments.order_id = answer.order_id AND payments.status = answer.asked
        ORDER BY payments.order_id FOR UPDATE OF payments)
"""
_ANSWERED = "FROM awaited WHERE payments.order_id = awaited.order_id AND payments.status = awaited.asked"

# One statement is one transaction: the result, and the event of those that wrote theirs. A capture has no event.
SETTLE = text(f"""
    WITH answer AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:asked AS text[]), CAST(:statuses AS text[]),
            CAST(:authorizations AS text[]), CAST(:reasons AS text[]), CAST(:event_ids AS uuid[]),
            CAST(:streams AS text[]), CAST(:types AS text[]), CAST(:payloads AS text[]), CAST(:headers AS text[]),
            CAST(:shards AS smallint[]), CAST(:moments AS timestamptz[])) WITH ORDINALITY
            AS answer (order_id, asked, status, authorization_id, reason, event_id, aggregatetype, type, payload,
                headers, shard, occurred_at, position)
    ), {_AWAITED}, settled AS (
        UPDATE payments SET status = awaited.status, reason = coalesce(awaited.reason, payments.reason),
            authorization_id = coalesce(awaited.authorization_id, payments.authorization_id),
            last_error = NULL, next_attempt_at = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = :at
        {_ANSWERED}
        RETURNING awaited.*
    )
    {insert_from("(SELECT *, order_id AS aggregateid FROM settled WHERE event_id IS NOT NULL) AS event")}
""")  # noqa: S608 - constants only

POSTPONE = text(f"""
    WITH answer AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:asked AS text[]), CAST(:errors AS text[]),
            CAST(:moments AS timestamptz[])) AS answer (order_id, asked, error, at)
    ), {_AWAITED}
    UPDATE payments
    SET last_error = awaited.error, next_attempt_at = awaited.at, claimed_by = NULL, claimed_until = NULL
    {_ANSWERED}
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRepository:
    """Implements usecase.payments.ports.Payments."""

    connection: Session

    async def request(self, intents: Sequence[Intent], *, at: datetime) -> Sequence[Intent]:
        if not intents:
            return ()
        once = first_of_each(intents, lambda intent: intent.charge.order_id)
        columns = {
            "orders": [intent.charge.order_id for intent in once],
            "methods": [intent.charge.method for intent in once],
            "amounts": [intent.charge.amount.amount for intent in once],
            "currencies": [intent.charge.amount.currency for intent in once],
            "statuses": [str(intent.status) for intent in once],
            "due": [intent.status in CALLS for intent in once],
            "attempts": [intent.attempts for intent in once],
            **_lease_columns([intent.lease for intent in once]),
            "causes": [cause_to_json(intent.cause) for intent in once],
        }
        written = set((await self.connection.execute(REQUEST, {"at": at, **columns})).scalars())
        return [intent for intent in once if intent.charge.order_id in written]

    async def claim(self, limit: int, *, at: datetime, lease: Lease) -> Sequence[Intent]:
        bound = {"limit": limit, "at": at, "until": lease.until, "owner": lease.owner}
        return [_intent(row, lease) for row in await self.connection.execute(CLAIM, bound)]

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        return (await self.connection.execute(RECLAIM, {"owner": owner, "at": at})).rowcount

    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, PaymentStatus]:
        rows = await self.connection.execute(LOCK, {"ids": list(order_ids)})
        return {OrderId(row.order_id): PaymentStatus(row.status) for row in rows}

    async def change(self, changes: Sequence[Change], *, at: datetime) -> Sequence[Intent]:
        columns = {
            "ids": [change.order_id for change in changes],
            "statuses": [str(change.becomes) for change in changes],
            "due": [change.becomes in CALLS for change in changes],
            "attempts": [1 if change.lease else 0 for change in changes],
            **_lease_columns([change.lease for change in changes]),
            "causes": [cause_to_json(change.cause) for change in changes],
        }
        rows = await self.connection.execute(CHANGE, {"at": at, **columns})
        charges = {row.order_id: _charge(row) for row in rows}
        return [
            Intent(
                charge=charges[change.order_id],
                status=change.becomes,
                cause=change.cause,
                attempts=1 if change.lease else 0,
                lease=change.lease,
            )
            for change in changes
            if change.becomes in CALLS
        ]

    async def settle(self, answers: Sequence[SettledIntent], *, at: datetime) -> None:
        columns = {
            "ids": [one.intent.charge.order_id for one in answers],
            "asked": [str(one.intent.status) for one in answers],
            "statuses": [str(one.becomes) for one in answers],
            "authorizations": [
                one.answer.authorization_id if isinstance(one.answer, Authorized) else None for one in answers
            ],
            "reasons": [one.answer.reason if isinstance(one.answer, Declined) else None for one in answers],
        }
        events = event_columns([one.event for one in answers])
        await self.connection.execute(SETTLE, {"at": at, **columns, **events})

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        columns = {
            "ids": [intent.charge.order_id for intent, _, _ in unanswered],
            "asked": [str(intent.status) for intent, _, _ in unanswered],
            "errors": [error[:500] for _, error, _ in unanswered],
            "moments": [moment for _, _, moment in unanswered],
        }
        await self.connection.execute(POSTPONE, columns)


def _lease_columns(leases: Sequence[Lease | None]) -> dict[str, object]:
    return {
        "owners": [lease.owner if lease else None for lease in leases],
        "untils": [lease.until if lease else None for lease in leases],
    }


def _intent(row: Row, lease: Lease) -> Intent:
    return Intent(
        charge=_charge(row),
        status=PaymentStatus(row.status),
        cause=cause_from(row.cause),
        attempts=row.attempts,
        lease=lease,
    )


def _charge(row: Row) -> Charge:
    amount = Money(amount=row.amount, currency=row.currency)
    return Charge(order_id=OrderId(row.order_id), amount=amount, method=row.method)
