"""Faults that strike where a test says, and a book of rates in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ordersys.domain.shared.errors import DomainError
from ordersys.workshop.chaos.rates import RateOverride
from tests.fakes.clock import NOON


@dataclass(slots=True, kw_only=True)
class ScriptedFaults:
    """Strikes at `point`, at the draws with these numbers (None: at all of them). Draws are counted from 0."""

    point: str
    at: Collection[int] | None = None
    draws: int = 0
    struck: int = 0

    def strikes(self, point: str) -> bool:
        if point != self.point:
            return False
        strikes = self.at is None or self.draws in self.at
        self.draws += 1
        self.struck += strikes
        return strikes


@dataclass(slots=True, kw_only=True)
class FakeRateStore:
    """workshop.chaos.rates.RateStore. `trouble` is what every look into it meets."""

    entries: dict[str, RateOverride] = field(default_factory=dict)
    trouble: DomainError | None = None
    now: datetime = NOON

    async def read(self) -> Sequence[RateOverride]:
        if self.trouble:
            raise self.trouble
        return list(self.entries.values())

    async def write(self, rates: Mapping[str, float | None], by: str) -> None:
        for point, rate in rates.items():
            self.entries.pop(point, None)
            if rate is not None:
                self.entries[point] = RateOverride(point=point, rate=rate, set_by=by, set_at=self.now)
