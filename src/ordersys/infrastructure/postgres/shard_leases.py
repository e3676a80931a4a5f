"""The workers' shares of the outbox, in two tables: who is alive, and who holds which shard until when under which
token.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ordersys.infrastructure.postgres.errors import translated
from ordersys.messaging.outbox import SHARDS

SEEN = text("""
    INSERT INTO outbox_workers (name, seen_at) VALUES (:owner, now())
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
""")

ALIVE = text("SELECT count(*) FROM outbox_workers WHERE seen_at > now() - :lease * interval '1 second'")

GONE = text("DELETE FROM outbox_workers WHERE name = :owner OR seen_at < now() - interval '1 day'")

RENEW = text("""
    UPDATE outbox_shards SET leased_until = now() + :lease * interval '1 second' WHERE owner = :owner
    RETURNING shard, token
""")

GIVE_BACK = text("""
    UPDATE outbox_shards SET owner = NULL, leased_until = '-infinity'
    WHERE owner = :owner AND shard = ANY(CAST(:shards AS smallint[]))
""")

# The new token fences whoever held the shard before, an earlier process of the same name included.
CLAIM = text("""
    UPDATE outbox_shards SET owner = :owner, token = token + 1, leased_until = now() + :lease * interval '1 second'
    WHERE shard IN (
        SELECT shard FROM outbox_shards
        WHERE leased_until < now() OR (:returning AND owner = :owner)
        ORDER BY owner = :owner DESC NULLS LAST, shard LIMIT :wanted FOR UPDATE SKIP LOCKED)
    RETURNING shard, token
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresShardLeases:
    """Implements messaging.outbox.ShardLeases. `owner` is the worker's stable name, `lease_seconds` outlasts a pass."""

    engine: AsyncEngine
    owner: str
    lease_seconds: float

    async def balance(self, *, returning: bool) -> Mapping[int, int]:
        with translated():
            async with self.engine.begin() as connection:
                await connection.execute(SEEN, {"owner": self.owner})
                held = {} if returning else await self._renew(connection)
                share = -(-SHARDS // (await connection.execute(ALIVE, {"lease": self.lease_seconds})).scalar_one())
                surplus = sorted(held)[share:]
                if surplus:
                    await connection.execute(GIVE_BACK, {"owner": self.owner, "shards": surplus})
                kept = {shard: token for shard, token in held.items() if shard not in surplus}
                return kept | await self._claim(connection, share - len(kept), returning=returning)

    async def renew(self) -> None:
        with translated():
            async with self.engine.begin() as connection:
                await connection.execute(SEEN, {"owner": self.owner})
                await self._renew(connection)

    async def release(self) -> None:
        with translated():
            async with self.engine.begin() as connection:
                await connection.execute(GIVE_BACK, {"owner": self.owner, "shards": list(range(SHARDS))})
                await connection.execute(GONE, {"owner": self.owner})

    async def _renew(self, connection: AsyncConnection) -> dict[int, int]:
        rows = await connection.execute(RENEW, {"owner": self.owner, "lease": self.lease_seconds})
        return {row.shard: row.token for row in rows}

    async def _claim(self, connection: AsyncConnection, wanted: int, *, returning: bool) -> dict[int, int]:
        if wanted <= 0:
            return {}
        bound = {"owner": self.owner, "lease": self.lease_seconds, "wanted": wanted, "returning": returning}
        return {row.shard: row.token for row in await connection.execute(CLAIM, bound)}
