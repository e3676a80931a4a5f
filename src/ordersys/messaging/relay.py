"""The relay: takes events from the outbox to the topics, at least once, each order's events in the order of their
commits.

How the order is kept, with any number of workers: a worker publishes only shards it holds a lease on; of one order
it sends one event at a time and waits for the broker's acknowledgement before the next; a failed event holds back
the later ones of its order. No transaction is open while the broker is awaited: read, publish and archive are three
steps, and the archive step is fenced by the lease's token, so a worker that lost its lease meanwhile changes nothing
(its records become duplicates, which the inbox absorbs).
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from ordersys.domain.shared.errors import Contention, Unavailable
from ordersys.messaging.envelope import Acked, Copy, Publisher, Record, Refused
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import Failed, OutboxQueue, OutboxRow, Published, ShardLeases


class RelayMeter(Protocol):
    def published(self, rows: Sequence[Published]) -> None: ...
    def publish_failed(self, reason: str) -> None: ...


class Ticker(Protocol):
    def __call__(self) -> float:
        """Monotonic seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayTuning:
    """`lease_seconds`: how long a silent worker keeps its shards. `retry_delays`: seconds before attempt 2, 3, …;
    the last one repeats.
    """

    batch_size: int
    lease_seconds: float
    retry_delays: Sequence[float]
    topic_prefix: str


@dataclass(slots=True, kw_only=True)
class Relay:
    queue: OutboxQueue
    leases: ShardLeases
    publisher: Publisher
    meter: RelayMeter
    ticker: Ticker
    tuning: RelayTuning
    _tokens: Mapping[int, int] = field(default_factory=dict)
    _balanced_at: float | None = None
    _answered: tuple[Sequence[OutboxRow], Sequence[Acked | Refused]] | None = None

    @property
    def shards(self) -> int:
        """How many shards this worker holds now."""
        return len(self._tokens)

    async def run_once(self) -> int:
        """One pass over the outbox. Answers how many rows it looked at; 0 means there was nothing to do."""
        await self._settle()
        await self._balance_if_due()
        if not self._tokens:
            return 0
        due = await self.queue.due(tuple(self._tokens), self.tuning.batch_size)
        rows = first_of_each(due, lambda row: row.order_id)
        if rows:
            self._answered = rows, await self._publish(rows)
            await self._settle()
        return len(rows)

    async def leave(self) -> None:
        """Gives the shards to the others at once."""
        self._tokens = {}
        await self.leases.release()

    async def _balance_if_due(self) -> None:
        now = self.ticker()
        if self._balanced_at is None or now - self._balanced_at >= self.tuning.lease_seconds / 3:
            self._tokens = await self.leases.balance(returning=self._balanced_at is None)
            self._balanced_at = now

    async def _publish(self, rows: Sequence[OutboxRow]) -> Sequence[Acked | Refused]:
        """Keeps the leases alive while the broker takes its time."""
        records = [to_record(row, self.tuning.topic_prefix) for row in rows]
        publishing = asyncio.ensure_future(self.publisher.publish(records))
        while not (await asyncio.wait({publishing}, timeout=self.tuning.lease_seconds / 3))[0]:
            with suppress(Unavailable, Contention):
                await self.leases.renew()
        return publishing.result()

    async def _settle(self) -> None:
        """Writes down what the broker answered; when the database is away just then, the next pass begins with it."""
        if self._answered is None:
            return
        published, failed = self._sort(*self._answered)
        if failed:
            await self.queue.defer(failed)
        if published:
            await self.queue.archive(published, self._tokens)
        self._answered = None
        self._count(published, failed)

    def _count(self, published: Sequence[Published], failed: Sequence[Failed]) -> None:
        self.meter.published(published)
        for failure in failed:
            self.meter.publish_failed(failure.error)

    def _sort(
        self, rows: Sequence[OutboxRow], answers: Sequence[Acked | Refused]
    ) -> tuple[list[Published], list[Failed]]:
        published: list[Published] = []
        failed: list[Failed] = []
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Acked):
                published.append(Published(row=row, topic=self.tuning.topic_prefix + row.stream, ack=answer))
            else:
                failed.append(Failed(row=row, error=answer.reason, delay=self._delay(row, answer)))
        return published, failed

    def _delay(self, row: OutboxRow, refused: Refused) -> float | None:
        delays = self.tuning.retry_delays
        return None if refused.permanent else delays[min(row.attempts, len(delays) - 1)]


def to_record(row: OutboxRow, topic_prefix: str) -> Record:
    """CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the payload is the value."""
    if row.copy is not None:
        return _copied(row.copy, row.payload, topic_prefix + row.stream)
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row.event_id).encode()),
        ("ce_type", row.type.encode()),
        ("ce_source", row.source.encode()),
        ("ce_subject", str(row.order_id).encode()),
        ("ce_time", row.occurred_at.isoformat().encode()),
        ("content-type", b"application/json"),
        ("correlationid", row.cause.correlation_id.encode()),
        ("causationid", row.cause.causation_id.encode()),
        ("traceparent", row.cause.traceparent.encode()),
    )
    key = str(row.order_id).encode()
    return Record(topic=topic_prefix + row.stream, key=key, value=row.payload.encode(), headers=headers)


def _copied(copy: Copy, payload: str, topic: str) -> Record:
    return Record(topic=topic, key=copy.key, value=_value(copy, payload), headers=copy.headers)


def _value(copy: Copy, payload: str) -> bytes | None:
    match copy.encoding:
        case "text":
            return payload.encode()
        case "base64":
            return b64decode(payload)
        case "none":
            return None
        case unknown:
            assert_never(unknown)
