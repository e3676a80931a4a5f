"""What waits where, for operators: measured once for all who ask within a moment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from ordersys.entrypoint.http.auth import operators_only
from ordersys.entrypoint.http.refusals import refusals
from ordersys.usecase.operations.measure_lag import Lag, MeasureLag

FRESH_SECONDS: Final = 0.5


@dataclass(slots=True, kw_only=True)
class LagCache:
    """`ticker`: monotonic seconds."""

    measure: MeasureLag
    ticker: Callable[[], float]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: Lag | None = None
    _until: float = 0.0

    async def lag(self) -> Lag:
        async with self._turn:
            if self._last is None or self.ticker() >= self._until:
                self._last = await self.measure.execute()
                self._until = self.ticker() + FRESH_SECONDS
            return self._last


@get(
    "/ops/lag",
    summary="What waits, and counters for rates",
    guards=[operators_only],
    responses=refusals("unauthorized", "forbidden"),
)
async def get_lag(lag_cache: NamedDependency[SkipValidation[LagCache]]) -> Lag:
    return await lag_cache.lag()


LAG_ROUTES = Router("/", route_handlers=[get_lag], tags=["operations"], security=[{"bearer": []}])
