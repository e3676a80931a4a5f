"""Gauges that must be asked for: the outbox's backlog, the consumers' lag."""

from collections import Counter
from dataclasses import dataclass

from ordersys.domain.shared.errors import DomainError
from ordersys.infrastructure.kafka.group_lags import GroupLags
from ordersys.infrastructure.kafka.stream import KafkaStream
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSampler:
    queue: PostgresOutboxQueue
    metrics: Metrics

    async def run_once(self) -> int:
        pending, oldest_seconds = await self.queue.backlog()
        self.metrics.outbox(pending, oldest_seconds)
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LagSampler:
    consumer: str
    stream: KafkaStream
    metrics: Metrics

    async def run_once(self) -> int:
        behind: Counter[str] = Counter()
        for (topic, _), records in self.stream.lag().items():
            behind[topic] += records
        for topic, records in behind.items():
            self.metrics.lag(self.consumer, topic, records)
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLagSampler:
    """The lag of all groups, from outside: also when no member is alive. Raises Unavailable."""

    lags: GroupLags
    metrics: Metrics

    async def run_once(self) -> int:
        for (group, topic), records in (await self.lags.read()).items():
            self.metrics.lag(group, topic, records)
        return 1


class SilentObserver:
    """The LoopObserver of a loop whose troubles are told elsewhere in its process."""

    def unavailable(self, loop: str, error: DomainError) -> None: ...

    def recovered(self, loop: str) -> None: ...
