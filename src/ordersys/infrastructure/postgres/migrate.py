"""Brings a database to a revision of `alembic/`: one transaction under one lock, so two at once are safe."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ordersys.infrastructure.postgres.errors import translated

T = TypeVar("T")
CONNECT_SECONDS = 5
# Any number, as long as nothing else in this database locks the same one.
_LOCK = 0x0D5E_0001


class SchemaDrift(Exception):
    """The database is not what the newest revision and tables.py describe."""


async def upgrade(url: str, revision: str = "head") -> None:
    await transact(url, partial(_command, command.upgrade, revision))


async def downgrade(url: str, revision: str) -> None:
    """`base` takes everything away but Alembic's own table."""
    await transact(url, partial(_command, command.downgrade, revision))


async def check(url: str) -> None:
    """Raises SchemaDrift when the database is behind, or differs from tables.py."""
    await transact(url, _check)


async def current(url: str) -> str | None:
    """The revision that the database is at; None before the first."""
    return await transact(url, lambda connection: MigrationContext.configure(connection).get_current_revision())


def head() -> str | None:
    """The newest revision that this code brings; None is never seen outside a broken installation."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def transact(url: str, act: Callable[[Connection], T]) -> T:
    """Runs `act` in one transaction that no other migration or seeding of this database overlaps."""
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS})
    try:
        with translated():
            async with engine.begin() as connection:
                await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                return await connection.run_sync(act)
    finally:
        await engine.dispose()


def _command(run: Callable[[Config, str], None], revision: str, connection: Connection) -> None:
    run(_config(connection), revision)


def _check(connection: Connection) -> None:
    try:
        command.check(_config(connection))
    except CommandError as error:
        raise SchemaDrift(str(error)) from error


def _config(connection: Connection | None = None) -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> Path:
    """In a wheel they lie beside this file (force-include in pyproject.toml), in a checkout at its top."""
    packaged = Path(__file__).with_name("migrations")
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "alembic"
