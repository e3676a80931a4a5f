"""The engine: asyncpg under SQLAlchemy Core, with every wait bounded."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.config import PostgresSettings

# What the roles ask is about some rows of large tables. While nobody has analyzed a table, or a plan is kept from when
# it was small, PostgreSQL would join a batch by reading the table whole. Hash joins stay: a batch has parts of its own
# that are joined. Nor is any of it worth a process of its own.
LOOKUPS: Final = {"enable_seqscan": "off", "max_parallel_workers_per_gather": "0"}


def create(settings: PostgresSettings, *, name: str, scans: bool = False) -> AsyncEngine:
    """`name` shows in pg_stat_activity. `scans`: for statements about whole tables. Connects lazily; a connection that
    broke is replaced at its next use.
    """
    return create_async_engine(
        settings.url.reveal(),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.connect_timeout_seconds,
        pool_use_lifo=True,
        pool_reset_on_return=None,  # sessions end their transactions themselves
        connect_args={
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": settings.statement_timeout_seconds + 1,
            "server_settings": {
                "application_name": name,
                "timezone": "UTC",
                "jit": "off",
                **({} if scans else LOOKUPS),
                "statement_timeout": f"{int(settings.statement_timeout_seconds * 1000)}ms",
                # Whoever stands still in a transaction (a frozen process) holds locks that others wait for: a worker's
                # shards, the seats of a flight.
                "idle_in_transaction_session_timeout": f"{int(settings.idle_transaction_seconds * 1000)}ms",
            },
        },
    )


def autocommit(engine: AsyncEngine) -> AsyncEngine:
    """The same pool without BEGIN and COMMIT around single statements: one round trip instead of three."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")
