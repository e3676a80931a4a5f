"""The rates that operators have set: one small table that every process reads about once a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ordersys.infrastructure.postgres.engine import autocommit
from ordersys.infrastructure.postgres.errors import translated
from ordersys.workshop.chaos.rates import RateOverride

READ = text("SELECT point, rate, set_by, set_at FROM chaos_rates ORDER BY point")

# Sorted: two operators at once must not wait for each other in a circle.
WRITE = text("""
    INSERT INTO chaos_rates (point, rate, set_by, set_at)
    SELECT point, rate, :by, now()
    FROM unnest(CAST(:points AS text[]), CAST(:rates AS float8[])) AS wanted (point, rate) ORDER BY point
    ON CONFLICT (point) DO UPDATE SET rate = excluded.rate, set_by = excluded.set_by, set_at = excluded.set_at
""")

TAKE_OUT = text("DELETE FROM chaos_rates WHERE point = ANY(CAST(:points AS text[]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRateStore:
    """Implements workshop.chaos.rates.RateStore."""

    engine: AsyncEngine

    async def read(self) -> Sequence[RateOverride]:
        with translated():
            async with autocommit(self.engine).connect() as connection:
                rows = await connection.execute(READ)
        return [RateOverride(point=row.point, rate=row.rate, set_by=row.set_by, set_at=row.set_at) for row in rows]

    async def write(self, rates: Mapping[str, float | None], by: str) -> None:
        kept = {point: rate for point, rate in rates.items() if rate is not None}
        with translated():
            async with self.engine.begin() as connection:
                await connection.execute(TAKE_OUT, {"points": [point for point in rates if point not in kept]})
                await connection.execute(WRITE, {"by": by, "points": list(kept), "rates": list(kept.values())})


async def forget(url: str) -> None:
    """Takes everything out: a stack that is started anew begins with what its configuration says."""
    engine = create_async_engine(url, poolclass=NullPool)
    with translated():
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM chaos_rates"))
