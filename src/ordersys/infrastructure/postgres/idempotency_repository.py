"""Idempotency keys. A key is taken by a transaction-scoped advisory lock that is only tried, never waited for:
whoever comes second is told at once, and a crash of the first frees the key with its connection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from ordersys.domain.shared.errors import Contention
from ordersys.infrastructure.postgres.codec import from_json, to_json
from ordersys.infrastructure.postgres.session import Row, Session
from ordersys.usecase.orders.ports import Answered, Claim, IdempotencyKey, InUse, Outcome

# Two statements: the look-up needs a snapshot that is younger than the lock, or it could miss what the last holder
# committed.
TRY_LOCK = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended(concat_ws(chr(31), customer_id, route, key), 0)) AS taken
    FROM unnest(CAST(:customers AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]))
        WITH ORDINALITY AS wanted (customer_id, route, key, position) ORDER BY position
""")

LOOK_UP = text("""
    SELECT customer_id, route, key, fingerprint, outcome FROM idempotency_keys
    JOIN unnest(CAST(:customers AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]))
        AS wanted (customer_id, route, key) USING (customer_id, route, key)
    WHERE created_at > :since
""")

# An expired answer may be replaced; a live one cannot be there, since the key is locked and was looked up.
STORE = text("""
    INSERT INTO idempotency_keys AS kept (customer_id, route, key, fingerprint, outcome, created_at)
    SELECT customer_id, route, key, fingerprint, outcome, :at
    FROM unnest(CAST(:customers AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]),
        CAST(:fingerprints AS bytea[]), CAST(:outcomes AS text[]))
        AS answered (customer_id, route, key, fingerprint, outcome)
    ON CONFLICT (customer_id, route, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, created_at = excluded.created_at
        WHERE kept.created_at <= :since
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRepository:
    """Implements usecase.orders.ports.IdempotencyKeys."""

    connection: Session

    async def claim(self, keys: Sequence[IdempotencyKey], *, since: datetime) -> Mapping[IdempotencyKey, Claim]:
        columns = _columns(keys)
        taken = (await self.connection.execute(TRY_LOCK, columns)).scalars()
        claims: dict[IdempotencyKey, Claim] = {
            key: None if free else InUse() for key, free in zip(keys, taken, strict=True)
        }
        for row in await self.connection.execute(LOOK_UP, {**columns, "since": since}):
            # Also for a key in use: an answer that is there is there to stay.
            claims[IdempotencyKey(customer_id=row.customer_id, route=row.route, key=row.key)] = _answered(row)
        return claims

    async def store(self, answers: Sequence[tuple[IdempotencyKey, Answered]], *, at: datetime, since: datetime) -> None:
        columns = {
            **_columns([key for key, _ in answers]),
            "fingerprints": [answered.fingerprint for _, answered in answers],
            "outcomes": [to_json(answered.outcome) for _, answered in answers],
        }
        stored = await self.connection.execute(STORE, {**columns, "at": at, "since": since})
        if stored.rowcount != len(answers):
            raise Contention("an idempotency key was answered by another transaction")


def _columns(keys: Sequence[IdempotencyKey]) -> dict[str, list[str]]:
    return {
        "customers": [key.customer_id for key in keys],
        "routes": [key.route for key in keys],
        "keys": [key.key for key in keys],
    }


def _answered(row: Row) -> Answered:
    return Answered(fingerprint=bytes(row.fingerprint), outcome=from_json(row.outcome, Outcome))
