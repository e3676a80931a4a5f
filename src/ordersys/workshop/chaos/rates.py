"""The rates of the fault points at run time: kept where every process looks, changed by operators alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.workshop.chaos.faults import POINTS, SeededFaults


class ChaosForbidden(DomainError):
    """Faults are never switched on with `environment: production`."""

    def __init__(self) -> None:
        super().__init__("chaos_forbidden", Kind.REJECTED, "chaos is refused with environment: production")


class RateInvalid(DomainError):
    """Not a fault point, or not a probability."""

    def __init__(self, detail: str) -> None:
        super().__init__("chaos_rate_invalid", Kind.INVALID, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOverride:
    """What an operator has set over the configuration."""

    point: str
    rate: float
    set_by: str
    set_at: datetime


class RateStore(Protocol):
    async def read(self) -> Sequence[RateOverride]: ...

    async def write(self, rates: Mapping[str, float | None], by: str) -> None:
        """All or nothing. None takes a point's entry out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPointState:
    """`strikes`: how often the point struck in the process that answers, since it was started."""

    point: str
    configured: float
    effective: float
    set_by: str | None
    set_at: datetime | None
    strikes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosControl:
    """Shows and changes the rates. `allowed` is false in production: then what stands in the book has no effect."""

    store: RateStore
    faults: SeededFaults
    allowed: bool

    async def show(self) -> Sequence[FaultPointState]:
        entries = {entry.point: entry for entry in await self.store.read()} if self.allowed else {}
        return [self._state(point, entries.get(point)) for point in POINTS]

    async def change(self, rates: Mapping[str, float | None], by: str) -> None:
        """None brings the configured rate back. Raises ChaosForbidden, RateInvalid."""
        if not self.allowed:
            raise ChaosForbidden
        for point, rate in rates.items():
            _check(point, rate)
        if rates:
            await self.store.write(rates, by)

    def _state(self, point: str, entry: RateOverride | None) -> FaultPointState:
        configured = self.faults.configured.get(point, 0.0)
        return FaultPointState(
            point=point,
            configured=configured,
            effective=entry.rate if entry else configured,
            set_by=entry.set_by if entry else None,
            set_at=entry.set_at if entry else None,
            strikes=self.faults.struck[point],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRefresher:
    """Brings what stands in the book into this process; while the book cannot be read, the last known rates hold."""

    store: RateStore
    faults: SeededFaults
    tell: Callable[[str, float], None]

    async def run_once(self) -> int:
        self.faults.adopt({entry.point: entry.rate for entry in await self.store.read()})
        for point in POINTS:
            self.tell(point, self.faults.rate(point))
        return 1


def _check(point: str, rate: float | None) -> None:
    if point not in POINTS:
        raise RateInvalid(f"there is no fault point {point!r}; the points are {', '.join(POINTS)}")
    if rate is not None and not 0 <= rate <= 1:
        raise RateInvalid(f"{point}: a rate is a number from 0 to 1")
