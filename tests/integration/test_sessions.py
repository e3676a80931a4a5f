"""Connections between the pool and the statements."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.session import opened

WHOSE = text("SELECT pg_backend_pid()")
END_ITSELF = text("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """With two connections at most."""
    engine = postgres.create(PostgresSettings(url=Secret(database_url), pool_size=2), name="sessions")
    yield engine
    await engine.dispose()


async def backend(engine: AsyncEngine) -> int:
    async with opened(engine) as session:
        return int((await session.execute(WHOSE)).scalar_one())


async def test_a_session_takes_the_connection_that_lies_there(engine: AsyncEngine) -> None:
    assert await backend(engine) == await backend(engine)


async def test_connections_that_were_all_given_up_are_connected_anew(engine: AsyncEngine) -> None:
    """As when a statement past the sessions finds that the server went away: none of the pool is trusted then."""
    async with opened(engine), opened(engine) as session:
        before = (await session.execute(WHOSE)).scalar_one()

    async with engine.connect() as connection:
        with pytest.raises(DBAPIError):
            await connection.execute(END_ITSELF)

    async with opened(engine), opened(engine) as session:
        assert (await session.execute(WHOSE)).scalar_one() != before


async def test_a_connection_that_was_given_up_is_connected_anew(engine: AsyncEngine) -> None:
    before = await backend(engine)

    with pytest.raises(TimeoutError):
        async with opened(engine):
            raise TimeoutError

    assert await backend(engine) != before
