"""Gauges that must be asked for: the outbox's backlog, the consumers' lag."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

ShowLag = Callable[[str, str, int], None]
"""Called with (consumer, topic, records)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSampler:
    """`backlog` returns the number of pending events and the age of the oldest in seconds. Raises Unavailable."""

    backlog: Callable[[], Awaitable[tuple[int, float]]]
    show: Callable[[int, float], None]

    async def run_once(self) -> int:
        self.show(*await self.backlog())
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LagSampler:
    """`lag` returns the records behind, by topic and partition."""

    consumer: str
    lag: Callable[[], Mapping[tuple[str, int], int]]
    show: ShowLag

    async def run_once(self) -> int:
        behind: Counter[str] = Counter()
        for (topic, _), records in self.lag().items():
            behind[topic] += records
        for topic, records in behind.items():
            self.show(self.consumer, topic, records)
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLagSampler:
    """The lag of all groups, from outside: also when no member is alive. Raises Unavailable."""

    lags: Callable[[], Awaitable[Mapping[tuple[str, str], int]]]
    show: ShowLag

    async def run_once(self) -> int:
        for (group, topic), records in (await self.lags()).items():
            self.show(group, topic, records)
        return 1
