"""Alembic's entry: on the connection that migrate.py hands over, else (`alembic revision`) on one of its own."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from ordersys.infrastructure.postgres import migrate, partitions
from ordersys.infrastructure.postgres.tables import metadata

DEFAULT_URL = "postgresql+asyncpg://ordersys:ordersys@localhost:5432/ordersys"


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and partitions.is_partition(name))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=is_ours,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    asyncio.run(migrate.transact(os.environ.get("ORDERSYS__POSTGRES__URL", DEFAULT_URL), run))
else:
    run(handed_over)
