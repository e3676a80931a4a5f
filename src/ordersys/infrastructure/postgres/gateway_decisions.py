"""The demo gateway's own books: what it decided for a key stays decided, however often and by whomever it is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.domain.payments.payment import Call
from ordersys.infrastructure.gateways.simulator import GatewayCall, GatewayDecision
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import Session, opened

_CALLED = """
    WITH called AS (
        SELECT DISTINCT ON (key) key, method, amount, currency, authorizes_at
        FROM unnest(CAST(:keys AS text[]), CAST(:methods AS text[]), CAST(:amounts AS bigint[]),
            CAST(:currencies AS text[]), CAST(:authorizes_at AS int[]))
            AS call (key, method, amount, currency, authorizes_at)
        ORDER BY key)
    INSERT INTO gateway_charges AS known (key, authorization_id, method, amount, currency, calls, status)
    SELECT key, 'auth_' || uuidv7(), method, amount, currency,
"""

# A key that comes twice in one batch is one call; sorted, so that two batches cannot wait for each other in a circle.
AUTHORIZE = text(f"""{_CALLED} 1,
        CASE WHEN authorizes_at IS NULL THEN 'DECLINED' WHEN authorizes_at > 1 THEN 'FAILED' ELSE 'AUTHORIZED' END
    FROM called
    ON CONFLICT (key) DO UPDATE SET calls = known.calls + 1,
        status = CASE WHEN known.status = 'FAILED'
            AND (SELECT authorizes_at FROM called WHERE called.key = known.key) <= known.calls + 1
            THEN 'AUTHORIZED' ELSE known.status END
    RETURNING key, status, authorization_id, calls
""")  # noqa: S608 - constants only

CAPTURE = text(f"""{_CALLED} 0, 'UNKNOWN' FROM called
    ON CONFLICT (key) DO UPDATE
        SET status = CASE WHEN known.status = 'AUTHORIZED' THEN 'CAPTURED' ELSE known.status END
    RETURNING key, status, authorization_id, calls
""")  # noqa: S608 - constants only

# A key that is not known yet is voided for good: an authorization that comes late must find it so.
RELEASE = text(f"""{_CALLED} 0, 'VOIDED' FROM called
    ON CONFLICT (key) DO UPDATE SET status = CASE known.status
        WHEN 'CAPTURED' THEN 'REFUNDED' WHEN 'REFUNDED' THEN 'REFUNDED' WHEN 'DECLINED' THEN 'DECLINED'
        ELSE 'VOIDED' END
    RETURNING key, status, authorization_id, calls
""")

STATEMENTS: Final[Mapping[Call, TextClause]] = {
    Call.AUTHORIZE: AUTHORIZE,
    Call.CAPTURE: CAPTURE,
    Call.RELEASE: RELEASE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDecisions:
    engine: AsyncEngine

    async def record(self, calls: Sequence[GatewayCall]) -> Sequence[GatewayDecision]:
        """One entry per call, in their order. Each question is a transaction of its own: of two, a batch would lock
        keys out of their order.
        """
        entries: dict[tuple[Call, str], GatewayDecision] = {}
        with translated():
            async with opened(self.engine) as connection:
                for question in STATEMENTS:
                    asked = [call for call in calls if call.question is question]
                    if asked:
                        entries |= await _book(connection, question, asked)
        return [entries[call.question, str(call.charge.order_id)] for call in calls]


async def _book(
    connection: Session, question: Call, calls: Sequence[GatewayCall]
) -> dict[tuple[Call, str], GatewayDecision]:
    columns = {
        "keys": [str(call.charge.order_id) for call in calls],
        "methods": [call.charge.method for call in calls],
        "amounts": [call.charge.amount.amount for call in calls],
        "currencies": [call.charge.amount.currency for call in calls],
        "authorizes_at": [call.authorizes_at for call in calls],
    }
    rows = await connection.execute(STATEMENTS[question], columns)
    return {
        (question, row.key): GatewayDecision(status=row.status, authorization_id=row.authorization_id, calls=row.calls)
        for row in rows
    }
