"""The relay: takes events from the outbox to the topics, at least once, each order's events in the order of their
commits.

How the order is kept, with any number of workers: a worker publishes only shards it holds a lease on; of one order
it sends one event at a time, and reads the next only when the broker's acknowledgement is written down; a failed event
holds back the later ones of its order. No transaction is open while the broker is awaited: read, publish and archive
are three steps, and the archive step is fenced by the lease's token, so a worker that lost its lease meanwhile changes
nothing (its records become duplicates, which the inbox absorbs).

With a backlog the steps overlap: while one batch is at the broker, the one before is archived and the one after is
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

# A pass is not cut short by a stop, and leases are balanced between passes.
PASS_SECONDS: Final = 0.25
SentBatch = tuple[Sequence[OutboxRow], Sequence[Acked | Refused]]


class RelayMeter(Protocol):
    def published(self, rows: Sequence[PublishedRow]) -> None: ...
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows to send, at most one of each order. `full`: there may be more where they came from."""

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
        """How many shards this worker holds now."""
        return len(self._tokens)

    async def run_once(self) -> int:
        """One pass over the outbox: a batch, and while there are full ones and all goes well the next ones, for a
        moment. Answers how many rows it sent; 0 means that there was nothing to do.
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
        """Gives the shards to the others at once."""
        self._tokens = {}
        await self.leases.release()

    async def _balance_if_due(self) -> None:
        now = self.ticker()
        if self._balanced_at is None or now - self._balanced_at >= self.tuning.lease_seconds / 3:
            self._tokens = await self.leases.balance(returning=self._balanced_at is None)
            self._balanced_at = now

    async def _read(self, sending: Sequence[OutboxRow]) -> Batch:
        """The next rows to send, none of an order with a row that is not settled: it must not be overtaken."""
        under_way = [*chain.from_iterable(rows for rows, _ in self._answered), *sending]
        due = await self.queue.due(tuple(self._tokens), self.tuning.batch_size, under_way)
        rows = first_of_each(due, lambda row: row.order_id)
        return Batch(rows=rows, full=len(due) == self.tuning.batch_size)

    async def _send(self, rows: Sequence[OutboxRow], *, go_on: bool) -> Batch:
        """Meanwhile writes down what was answered before, and reads the next batch. What a failure of these two
        leaves is written down by the next pass.
        """
        reading = self._read(rows) if go_on else _nothing()
        # The database first: it works while this process makes records.
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
        """Keeps the leases alive while the broker takes its time."""
        records = [to_record(row, self.tuning.topic_prefix) for row in rows]
        publishing = asyncio.ensure_future(self.publisher.publish(records))
        while not (await asyncio.wait({publishing}, timeout=self.tuning.lease_seconds / 3))[0]:
            with suppress(Unavailable, Contention):
                await self.leases.renew()
        return publishing.result()

    async def _write_down(self) -> bool:
        """Settles what the broker answered; when the database is away just then, the next pass begins with it.
        False when a record was refused, or a shard was lost.
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
    """CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the payload is the value."""
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
