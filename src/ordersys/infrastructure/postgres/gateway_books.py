"""The demo gateway's own books: what it decided for a key stays decided, however often and by whomever it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.gateways.simulator import Call, Entry
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import begun

# A key that comes twice in one batch is one call; sorted, so that two batches cannot wait for each other in a circle.
RECORD = text("""
    WITH called AS (
        SELECT DISTINCT ON (key) key, method, amount, currency, authorizes_at
        FROM unnest(CAST(:keys AS text[]), CAST(:methods AS text[]), CAST(:amounts AS bigint[]),
            CAST(:currencies AS text[]), CAST(:authorizes_at AS int[]))
            AS call (key, method, amount, currency, authorizes_at)
        ORDER BY key)
    INSERT INTO gateway_charges AS known (key, authorization_id, method, amount, currency, calls, status)
    SELECT key, 'auth_' || uuidv7(), method, amount, currency, 1,
        CASE WHEN authorizes_at IS NULL THEN 'DECLINED' WHEN authorizes_at > 1 THEN 'FAILED' ELSE 'AUTHORIZED' END
    FROM called
    ON CONFLICT (key) DO UPDATE SET calls = known.calls + 1,
        status = CASE WHEN known.status = 'FAILED'
            AND (SELECT authorizes_at FROM called WHERE called.key = known.key) <= known.calls + 1
            THEN 'AUTHORIZED' ELSE known.status END
    RETURNING key, authorization_id, calls
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayBooks:
    engine: AsyncEngine

    async def record(self, calls: Sequence[Call]) -> Sequence[Entry]:
        """One entry per call, in their order."""
        keys = [str(call.charge.order_id) for call in calls]
        columns = {
            "keys": keys,
            "methods": [call.charge.method for call in calls],
            "amounts": [call.charge.amount.amount for call in calls],
            "currencies": [call.charge.amount.currency for call in calls],
            "authorizes_at": [call.authorizes_at for call in calls],
        }
        with translated():
            async with begun(self.engine) as connection:
                rows = (await connection.execute(RECORD, columns)).all()
        entries = {row.key: Entry(authorization_id=row.authorization_id, calls=row.calls) for row in rows}
        return [entries[key] for key in keys]
