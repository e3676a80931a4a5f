"""The relay: publishes events from the outbox to the topics, at least once, and in commit order for each order.

Ordering holds with any number of workers. A worker publishes only shards that it holds a lease on. For each order it
sends one event at a time, and reads the next after the acknowledgement is stored. A failed event blocks later events of
its order. No transaction is open during a publish: read, publish and archive are three steps. The archive step is
fenced by the lease's token, so a worker that lost its lease changes nothing; its records become duplicates, which the
inbox discards.

With a backlog the steps overlap: while one batch is being published, the previous one is archived and the next one is
read, without the orders of the other two.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Protocol, assert_never

from ordersys.domain.shared.errors import Contention, Unavailable
from ordersys.messaging.envelope import Acked, Copy, Publisher, Record, Refused
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import FailedPublish, OutboxQueue, OutboxRow, PublishedRow, ShardLeases

# A stop does not interrupt a pass, and leases are balanced between passes.
PASS_SECONDS: Final = 0.25
SentBatch = tuple[Sequence[OutboxRow], Sequence[Acked | Refused]]


class RelayMeter(Protocol):
    def published(self, rows: Sequence[PublishedRow]) -> None: ...
    def publish_failed(self, reason: str) -> None: ...


class Ticker(Protocol):
    def __call__(self) -> float:
        """Returns monotonic seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayTuning:
    """`lease_seconds`: how long an unresponsive worker keeps its shards. `retry_delays`: seconds before attempt 2, 3,
    …; the last delay repeats.
    """

    batch_size: int
    lease_seconds: float
    retry_delays: Sequence[float]
    topic_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows to publish, at most one per order. `full`: the outbox may hold more."""

    rows: Sequence[OutboxRow]
    full: bool


NO_BATCH: Final = Batch(rows=(), full=False)


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
    _answered: list[SentBatch] = field(default_factory=list)

    @property
    def shards(self) -> int:
        """The number of shards that this worker holds."""
        return len(self._tokens)

    async def run_once(self) -> int:
        """Runs one pass over the outbox: one batch, then further ones for a moment, while they are full and succeed.

        Returns the number of rows sent.
        """
        await self._write_down()
        await self._balance_if_due()
        if not self._tokens:
            return 0
        began, sent = self.ticker(), 0
        batch = await self._read(())
        while batch.rows:
            sent += len(batch.rows)
            go_on = batch.full and self.ticker() - began < PASS_SECONDS
            batch = await self._send(batch.rows, go_on=go_on)
        await self._write_down()
        return sent

    async def leave(self) -> None:
        """Releases all shards immediately."""
        self._tokens = {}
        await self.leases.release()

    async def _balance_if_due(self) -> None:
        now = self.ticker()
        if self._balanced_at is None or now - self._balanced_at >= self.tuning.lease_seconds / 3:
            self._tokens = await self.leases.balance(returning=self._balanced_at is None)
            self._balanced_at = now

    async def _read(self, sending: Sequence[OutboxRow]) -> Batch:
        """Returns the next rows to send, without orders that have an unsettled row, which must not be overtaken."""
        under_way = [*chain.from_iterable(rows for rows, _ in self._answered), *sending]
        due = await self.queue.due(tuple(self._tokens), self.tuning.batch_size, under_way)
        rows = first_of_each(due, lambda row: row.order_id)
        return Batch(rows=rows, full=len(due) == self.tuning.batch_size)

    async def _send(self, rows: Sequence[OutboxRow], *, go_on: bool) -> Batch:
        """Publishes rows; at the same time it settles earlier results and reads the next batch. If those fail, the next
        pass settles the results.
        """
        reading = self._read(rows) if go_on else _nothing()
        # The database comes first: it works while this process builds records.
        settled, after, answers = await asyncio.gather(
            self._write_down(), reading, self._publish(rows), return_exceptions=True
        )
        if isinstance(answers, BaseException):
            raise answers
        self._answered.append((rows, answers))
        if isinstance(settled, BaseException):
            raise settled
        if isinstance(after, BaseException):
            raise after
        return after if settled else NO_BATCH

    async def _publish(self, rows: Sequence[OutboxRow]) -> Sequence[Acked | Refused]:
        """Renews the leases while the broker is slow."""
        records = [to_record(row, self.tuning.topic_prefix) for row in rows]
        publishing = asyncio.ensure_future(self.publisher.publish(records))
        while not (await asyncio.wait({publishing}, timeout=self.tuning.lease_seconds / 3))[0]:
            with suppress(Unavailable, Contention):
                await self.leases.renew()
        return publishing.result()

    async def _write_down(self) -> bool:
        """Stores the broker's results; if the database is unavailable, the next pass starts with them. Returns False if
        a record was refused or a shard was lost.
        """
        well = True
        while self._answered:
            published, failed = self._sort(*self._answered[0])
            if failed:
                await self.queue.defer(failed)
            moved = await self.queue.archive(published, self._tokens) if published else 0
            del self._answered[0]
            self._count(published, failed)
            well = well and not failed and moved == len(published)
        return well

    def _count(self, published: Sequence[PublishedRow], failed: Sequence[FailedPublish]) -> None:
        self.meter.published(published)
        for failure in failed:
            self.meter.publish_failed(failure.error)

    def _sort(
        self, rows: Sequence[OutboxRow], answers: Sequence[Acked | Refused]
    ) -> tuple[list[PublishedRow], list[FailedPublish]]:
        prefix = self.tuning.topic_prefix
        published: list[PublishedRow] = []
        failed: list[FailedPublish] = []
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Acked):
                published.append(PublishedRow(row, prefix + row.stream, answer))
            else:
                failed.append(FailedPublish(row=row, error=answer.reason, delay=self._delay(row, answer)))
        return published, failed

    def _delay(self, row: OutboxRow, refused: Refused) -> float | None:
        delays = self.tuning.retry_delays
        return None if refused.permanent else delays[min(row.attempts, len(delays) - 1)]


async def _nothing() -> Batch:
    return NO_BATCH


def to_record(row: OutboxRow, topic_prefix: str) -> Record:
    """Returns a CloudEvents 1.0 record in Kafka's binary mode: attributes are headers, the payload is the value."""
    if row.copy is not None:
        return _copied(row.copy, row.payload, topic_prefix + row.stream)
    order_id = str(row.order_id).encode()
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row.event_id).encode()),
        ("ce_type", row.type.encode()),
        ("ce_source", row.source.encode()),
        ("ce_subject", order_id),
        ("ce_time", row.occurred_at.isoformat().encode()),
        ("content-type", b"application/json"),
        ("correlationid", row.cause.correlation_id.encode()),
        ("causationid", row.cause.causation_id.encode()),
        ("traceparent", row.cause.traceparent.encode()),
    )
    return Record(topic_prefix + row.stream, order_id, row.payload.encode(), headers)


def _copied(copy: Copy, payload: str, topic: str) -> Record:
    return Record(topic, copy.key, _value(copy, payload), copy.headers)


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
