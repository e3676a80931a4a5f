"""Connections between the pool and the statements."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.session import opened
from tests.contract.kafka_worlds import until

WHOSE = text("SELECT pg_backend_pid()")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """With one connection."""
    engine = postgres.create(PostgresSettings(url=Secret(database_url), pool_size=1), name="sessions")
    yield engine
    await engine.dispose()


async def backend(engine: AsyncEngine) -> int:
    async with opened(engine) as session:
        return int((await session.execute(WHOSE)).scalar_one())


async def test_a_session_takes_the_connection_that_lies_there(engine: AsyncEngine) -> None:
    assert await backend(engine) == await backend(engine)


async def test_a_connection_that_was_given_up_is_connected_anew(engine: AsyncEngine) -> None:
    before = await backend(engine)

    with pytest.raises(TimeoutError):
        async with opened(engine):
            raise TimeoutError

    assert await backend(engine) != before


async def test_a_connection_that_broke_in_the_pool_is_connected_anew(engine: AsyncEngine, database_url: str) -> None:
    async with opened(engine) as session:
        driver, before = session.driver, (await session.execute(WHOSE)).scalar_one()

    async def broken() -> bool:
        await asyncio.sleep(0.01)
        return bool(driver.is_closed())

    other = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await other.execute("SELECT pg_terminate_backend($1)", before)
    await other.close()

    await until(broken)

    assert await backend(engine) != before
