"""The SQLAlchemy engine on asyncpg. Every wait has a timeout."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.config import PostgresSettings

# The roles read a few rows of large tables. Before a table is analyzed, or with a plan cached when it was small,
# PostgreSQL would scan the whole table for a batch. Hash joins stay enabled, as parts of a batch are joined to each
# other. Parallel workers are not worth their start.
LOOKUPS: Final = {"enable_seqscan": "off", "max_parallel_workers_per_gather": "0"}


def create(settings: PostgresSettings, *, name: str, scans: bool = False) -> AsyncEngine:
    """Returns an engine that connects lazily and replaces broken connections at their next use.

    `name`: shown in pg_stat_activity. `scans`: allow sequential scans, for statements over whole tables.
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
                # A process that freezes in a transaction holds locks that others wait for: shards, seats of a flight.
                "idle_in_transaction_session_timeout": f"{int(settings.idle_transaction_seconds * 1000)}ms",
            },
        },
    )


def autocommit(engine: AsyncEngine) -> AsyncEngine:
    """Returns an engine on the same pool without BEGIN and COMMIT: one round trip per statement instead of three."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")
