"""Shard leases of the workers, in two tables: live workers, and the owner, expiry and fencing token of each shard."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import Session, begun
from ordersys.messaging.outbox import SHARDS

SEEN = text("""
    INSERT INTO outbox_workers (name, seen_at) VALUES (:owner, now())
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
""")

ALIVE = text("SELECT count(*) FROM outbox_workers WHERE seen_at > now() - :lease * interval '1 second'")

GONE = text("DELETE FROM outbox_workers WHERE name = :owner OR seen_at < now() - interval '1 day'")

# By token: a process that was presumed dead must not renew the lease of its successor, which has the same name.
RENEW = text("""
    UPDATE outbox_shards SET leased_until = now() + :lease * interval '1 second'
    FROM unnest(CAST(:shards AS smallint[]), CAST(:tokens AS bigint[])) AS held (shard, token)
    WHERE outbox_shards.shard = held.shard AND outbox_shards.token = held.token AND owner = :owner
    RETURNING outbox_shards.shard, outbox_shards.token
""")

GIVE_BACK = text("""
    UPDATE outbox_shards SET owner = NULL, leased_until = '-infinity'
    FROM unnest(CAST(:shards AS smallint[]), CAST(:tokens AS bigint[])) AS held (shard, token)
    WHERE outbox_shards.shard = held.shard AND outbox_shards.token = held.token AND owner = :owner
""")

# The new token fences off the previous owner, including an earlier process of the same name.
CLAIM = text("""
    UPDATE outbox_shards SET owner = :owner, token = token + 1, leased_until = now() + :lease * interval '1 second'
    WHERE shard IN (
        SELECT shard FROM outbox_shards
        WHERE leased_until < now() OR (:returning AND owner = :owner)
        ORDER BY owner = :owner DESC NULLS LAST, shard LIMIT :wanted FOR UPDATE SKIP LOCKED)
    RETURNING shard, token
""")


@dataclass(slots=True, kw_only=True)
class PostgresShardLeases:
    """Implements messaging.outbox.ShardLeases. `owner`: the worker's stable name. `lease_seconds`: exceeds a pass."""

    engine: AsyncEngine
    owner: str
    lease_seconds: float
    _held: dict[int, int] = field(default_factory=dict)

    async def balance(self, *, returning: bool) -> Mapping[int, int]:
        with translated():
            async with begun(self.engine) as connection:
                await connection.execute(SEEN, {"owner": self.owner})
                held = await self._renew(connection)
                share = -(-SHARDS // (await connection.execute(ALIVE, {"lease": self.lease_seconds})).scalar_one())
                surplus = {shard: held.pop(shard) for shard in sorted(held)[share:]}
                await self._give_back(connection, surplus)
                held |= await self._claim(connection, share - len(held), returning=returning)
        self._held = held
        return dict(held)

    async def renew(self) -> None:
        with translated():
            async with begun(self.engine) as connection:
                await connection.execute(SEEN, {"owner": self.owner})
                await self._renew(connection)

    async def release(self) -> None:
        with translated():
            async with begun(self.engine) as connection:
                await self._give_back(connection, self._held)
                await connection.execute(GONE, {"owner": self.owner})
        self._held = {}

    async def _renew(self, connection: Session) -> dict[int, int]:
        rows = await connection.execute(RENEW, {**self._bound(self._held), "lease": self.lease_seconds})
        return {row.shard: row.token for row in rows}

    async def _give_back(self, connection: Session, shards: Mapping[int, int]) -> None:
        if shards:
            await connection.execute(GIVE_BACK, self._bound(shards))

    async def _claim(self, connection: Session, wanted: int, *, returning: bool) -> dict[int, int]:
        if wanted <= 0:
            return {}
        bound = {"owner": self.owner, "lease": self.lease_seconds, "wanted": wanted, "returning": returning}
        return {row.shard: row.token for row in await connection.execute(CLAIM, bound)}

    def _bound(self, shards: Mapping[int, int]) -> dict[str, object]:
        return {"owner": self.owner, "shards": list(shards), "tokens": list(shards.values())}
