import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.domain.shared.errors import DomainError
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.session import opened

PATIENCE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresProbe:
    engine: AsyncEngine

    async def answers(self) -> bool:
        """Returns whether PostgreSQL answers a query within a second."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                with translated():
                    async with opened(self.engine) as connection:
                        await connection.execute(text("SELECT 1"))
        except (DomainError, TimeoutError):
            return False
        return True
