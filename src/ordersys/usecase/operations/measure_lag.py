"""Measures the lag: events that wait in the outbox, the topics, the retry queue and the dead letters."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import Unavailable
from ordersys.usecase.operations.ports import (
    BacklogReads,
    KeptMessages,
    OpenDeadLetters,
    OutboxBacklog,
    PartitionLag,
    PartitionLags,
    Totals,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """`unknown`: the servers that did not answer; their figures are missing."""

    at: datetime
    outbox: OutboxBacklog
    consumers: Sequence[PartitionLag]
    retries: Sequence[KeptMessages]
    dead_letters: Sequence[OpenDeadLetters]
    totals: Totals
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureLag:
    """`consumers`: the names of all consumers."""

    reads: BacklogReads
    lags: PartitionLags
    clock: Clock
    consumers: Sequence[str]

    async def execute(self) -> Lag:
        """Raises Unavailable if the database is unavailable. Without Kafka it returns the rest."""
        found, (lags, unknown) = await asyncio.gather(self.reads.backlog(), self._lags())
        kept = {one.consumer: one for one in found.retries}
        letters = {one.consumer: one for one in found.dead_letters}
        names = sorted({*self.consumers, *kept, *letters})
        return Lag(
            at=self.clock.now(),
            outbox=found.outbox,
            consumers=lags,
            retries=[kept.get(name) or KeptMessages(consumer=name, waiting=0, next_at=None) for name in names],
            dead_letters=[letters.get(name) or OpenDeadLetters(consumer=name, open=0) for name in names],
            totals=found.totals,
            unknown=unknown,
        )

    async def _lags(self) -> tuple[Sequence[PartitionLag], Sequence[str]]:
        try:
            return await self.lags.partitions(), ()
        except Unavailable as error:
            return (), (error.server,)
