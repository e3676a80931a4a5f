"""A worker that stands still in the middle of a transaction: its locks must not keep its shards from the others."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import begun
from ordersys.infrastructure.postgres.shard_leases import RENEW, PostgresShardLeases
from ordersys.messaging.outbox import SHARDS
from tests.waiting import eventually

LEASE_SECONDS = 0.5
STANDS_STILL_SECONDS = 1.0


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    settings = PostgresSettings(url=Secret(database_url), idle_transaction_seconds=STANDS_STILL_SECONDS)
    made = postgres.create(settings, name="test")
    yield made
    await made.dispose()


async def test_the_shards_of_a_worker_frozen_in_a_transaction_are_taken_over(engine: AsyncEngine) -> None:
    frozen, other = (
        PostgresShardLeases(engine=engine, owner=name, lease_seconds=LEASE_SECONDS) for name in ("frozen", "other")
    )
    held = await frozen.balance(returning=True)
    renewing = {
        "owner": "frozen",
        "shards": list(held),
        "tokens": list(held.values()),
        "lease": LEASE_SECONDS,
    }

    async def has_all() -> bool:
        return len(await other.balance(returning=False)) == SHARDS

    async def stand_still() -> None:
        with translated():
            async with begun(engine) as session:
                await session.execute(RENEW, renewing)
                taken: bool = await eventually(has_all, within=10)
                assert taken

    with pytest.raises(Unavailable):
        await stand_still()
    assert len(held) == SHARDS
