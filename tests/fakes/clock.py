from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class FakeClock:
    """domain.shared.clock.Clock; calling it gives monotonic seconds. Time passes when it is told to."""

    passed: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def __call__(self) -> float:
        return self.passed

    def advance(self, seconds: float) -> None:
        self.passed += seconds


class FakeIds:
    """domain.shared.ids.Ids: 1, 2, 3 and so on, as UUIDs."""

    def __init__(self, start: int = 1) -> None:
        self._numbers = count(start)

    def new(self) -> UUID:
        return UUID(int=next(self._numbers))
