"""Migrates a database to a revision of `alembic/`, in one transaction under a lock: concurrent runs are safe."""

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
# Any number that nothing else in this database uses as an advisory lock.
_LOCK = 0x0D5E_0001


class SchemaDrift(Exception):
    """The database differs from the latest revision or from tables.py."""


async def upgrade(url: str, revision: str = "head") -> None:
    await transact(url, partial(_command, command.upgrade, revision))


async def downgrade(url: str, revision: str) -> None:
    """The revision `base` removes everything except Alembic's own table."""
    await transact(url, partial(_command, command.downgrade, revision))


async def check(url: str) -> None:
    """Raises SchemaDrift if the database is behind, or differs from tables.py."""
    await transact(url, _check)


async def current(url: str) -> str | None:
    """Returns the revision of the database; None before the first migration."""
    return await transact(url, lambda connection: MigrationContext.configure(connection).get_current_revision())


def head() -> str | None:
    """Returns the latest revision of this code; None only in a broken installation."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def transact(url: str, act: Callable[[Connection], T]) -> T:
    """Runs `act` in a transaction that excludes other migrations and seedings of this database."""
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
    """Returns the folder of migrations: beside this file in a wheel, at the top level in a checkout."""
    packaged = Path(__file__).with_name("migrations")
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "alembic"
