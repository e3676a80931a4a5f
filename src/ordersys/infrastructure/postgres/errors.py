"""Maps database errors: server unavailable, transaction aborted, or a bug (re-raised unchanged)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ordersys.domain.shared.errors import Contention, DomainError, Unavailable

# https://www.postgresql.org/docs/current/errcodes-appendix.html
AWAY: Final = ("08", "57P", "53", "58", "25006")
LOST: Final = ("40001", "40P01", "55P03", "57014", "25P03")


@contextmanager
def translated() -> Iterator[None]:
    """Raises Unavailable or Contention in place of the errors of SQLAlchemy and of the driver."""
    try:
        yield
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        raise meaning from error
    except (TimeoutError, PoolTimeout, OSError) as error:
        raise Unavailable("postgres", f"postgres cannot be reached: {type(error).__name__}") from error


def _meaning(error: Exception) -> DomainError | None:
    state = str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")
    if state.startswith(LOST):
        return Contention(f"postgres aborted the transaction ({state})")
    if state.startswith(AWAY):
        return Unavailable("postgres", f"postgres cannot be reached ({state})")
    if not state and _broken(error):
        return Unavailable("postgres", "the connection to postgres broke")
    return None


def _broken(error: Exception) -> bool:
    """Whether the connection broke: asyncpg gives no SQLSTATE then. A value that it cannot encode is our bug."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or type(error).__name__ == "InterfaceError"
    return not isinstance(error, asyncpg.DataError)
