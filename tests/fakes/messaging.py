"""The ports of messaging in memory; tests/contract holds outbox, leases and inbox to what PostgreSQL does."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from ordersys.domain.shared.errors import DomainError
from ordersys.domain.shared.ids import EventId
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Acked, Delivery, Outgoing, Record, Refused
from ordersys.messaging.inbox import Message
from ordersys.messaging.outbox import SHARDS, FailedPublish, OutboxRow, PublishedRow, shard_of
from ordersys.messaging.retry_queue import RetryableMessage
from ordersys.usecase.payments.ports import Intent
from tests.fakes.memory import Changes, Table
from tests.fakes.retry_queue import KeptRow, Place, StoredLetter, dead_events

Ticker = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    row: OutboxRow
    count: int
    next_at: float
    error: str
    parked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingTables:
    outbox: Table[int, OutboxRow] = field(default_factory=Table)
    attempts: dict[int, Attempts] = field(default_factory=dict)
    archive: dict[int, PublishedRow] = field(default_factory=dict)
    leases: "list[Lease]" = field(default_factory=lambda: [Lease() for _ in range(SHARDS)])
    workers: dict[str, float] = field(default_factory=dict)
    inbox: Table[tuple[str, EventId], Message] = field(default_factory=Table)
    retries: "Table[tuple[str, EventId], KeptRow]" = field(default_factory=Table)
    letters: "Table[Place, StoredLetter]" = field(default_factory=Table)
    ids: "count[int]" = field(default_factory=lambda: count(1))
    ticker: Ticker = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeOutbox:
    tables: MessagingTables
    changes: Changes

    async def append(self, events: Sequence[Outgoing]) -> None:
        for event in events:
            row = _row(event, next(self.tables.ids))
            self.changes.put(self.tables.outbox, row.id, row)


def _row(event: Outgoing, number: int) -> OutboxRow:
    return OutboxRow(
        id=number,
        event_id=event.event_id,
        order_id=event.order_id,
        stream=event.event.STREAM,
        type=event.event.TYPE,
        source=event.event.SOURCE,
        payload=to_json(event.event),
        cause=event.cause,
        shard=shard_of(event.order_id),
        occurred_at=event.occurred_at,
        attempts=0,
    )


@dataclass(slots=True, kw_only=True)
class FakeOutboxQueue:
    """`failures` are raised by the next calls, one each."""

    tables: MessagingTables
    ticker: Ticker
    failures: list[DomainError] = field(default_factory=list)

    async def due(self, shards: Sequence[int], limit: int, under_way: Sequence[OutboxRow] = ()) -> Sequence[OutboxRow]:
        self._fail()
        busy = {row.order_id for row in under_way}
        queue = [row for _, row in sorted(self.tables.outbox.rows.items())]
        rows = [row for row in queue if row.shard in shards and row.order_id not in busy]
        return [self._counted(row) for row in rows if not self._held_back(row)][:limit]

    async def archive(self, published: Sequence[PublishedRow], tokens: Mapping[int, int]) -> int:
        self._fail()
        moved = [one for one in published if one.row.id in self.tables.outbox.rows and self._owned(one.row, tokens)]
        for one in moved:
            self.tables.attempts.pop(one.row.id, None)
            self.tables.archive[one.row.id] = one
            del self.tables.outbox.rows[one.row.id]
        return len(moved)

    async def defer(self, failed: Sequence[FailedPublish]) -> None:
        self._fail()
        for one in failed:
            if one.row.id in self.tables.outbox.rows:
                self.tables.attempts[one.row.id] = Attempts(
                    row=one.row,
                    count=self._counted(one.row).attempts + 1,
                    next_at=self.ticker() + (one.delay or 0),
                    error=one.error,
                    parked=one.delay is None,
                )

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def _counted(self, row: OutboxRow) -> OutboxRow:
        known = self.tables.attempts.get(row.id)
        return row._replace(attempts=known.count if known else 0)

    def _held_back(self, row: OutboxRow) -> bool:
        earlier = [a for a in self.tables.attempts.values() if a.row.order_id == row.order_id and a.row.id <= row.id]
        return any(one.parked or one.next_at > self.ticker() for one in earlier)

    def _owned(self, row: OutboxRow, tokens: Mapping[int, int]) -> bool:
        return tokens.get(row.shard) == self.tables.leases[row.shard].token


@dataclass(slots=True, kw_only=True)
class Lease:
    owner: str | None = None
    token: int = 0
    until: float = float("-inf")


@dataclass(slots=True, kw_only=True)
class FakeShardLeases:
    """`trouble` is what every renewal meets."""

    tables: MessagingTables
    ticker: Ticker
    owner: str
    lease_seconds: float = 5.0
    renewals: int = 0
    trouble: DomainError | None = None
    _tokens: Mapping[int, int] = field(default_factory=dict)

    async def balance(self, *, returning: bool) -> Mapping[int, int]:
        await self._seen()
        share = -(-SHARDS // sum(at > self.ticker() - self.lease_seconds for at in self.tables.workers.values()))
        held = self._mine()
        for lease in held[share:]:
            lease.owner, lease.until = None, float("-inf")
        free = [one for one in self.tables.leases if one not in held and self._may_claim(one, returning=returning)]
        free.sort(key=lambda lease: lease.owner != self.owner)
        for lease in free[: max(share - len(held), 0)]:
            lease.owner, lease.token = self.owner, lease.token + 1
            lease.until = self.ticker() + self.lease_seconds
            held.append(lease)
        self._tokens = {n: lease.token for n, lease in enumerate(self.tables.leases) if lease in held and lease.owner}
        self._extend()
        return self._tokens

    async def renew(self) -> None:
        self.renewals += 1
        if self.trouble:
            raise self.trouble
        await self._seen()
        self._extend()

    async def release(self) -> None:
        for lease in self._mine():
            lease.owner, lease.until = None, float("-inf")
        self.tables.workers.pop(self.owner, None)

    async def _seen(self) -> None:
        self.tables.workers[self.owner] = self.ticker()

    def _mine(self) -> list[Lease]:
        known = [(self.tables.leases[n], token) for n, token in self._tokens.items()]
        return [lease for lease, token in known if (lease.owner, lease.token) == (self.owner, token)]

    def _extend(self) -> None:
        for lease in self._mine():
            lease.until = self.ticker() + self.lease_seconds

    def _may_claim(self, lease: Lease, *, returning: bool) -> bool:
        return lease.until < self.ticker() or (returning and lease.owner == self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeInbox:
    tables: MessagingTables
    changes: Changes

    async def claim(self, consumer: str, messages: Sequence[Message]) -> set[EventId]:
        wanted = {(consumer, message.event_id): message for message in messages}
        await self.changes.lock(self.tables.inbox, wanted)
        known = self.changes.rows(self.tables.inbox)
        new = {key: message for key, message in wanted.items() if key not in known}
        for key, message in new.items():
            self.changes.put(self.tables.inbox, key, message)
        return {event_id for _, event_id in new}

    async def claim_free(
        self, consumer: str, messages: Sequence[Message], *, passing: Collection[EventId]
    ) -> set[EventId]:
        kept = self.changes.rows(self.tables.retries)
        held = {row.order_id for (name, event_id), row in kept.items() if name == consumer and event_id not in passing}
        dead = dead_events(self.tables, self.changes, consumer)
        free = [one for one in messages if one.order_id not in held and one.event_id not in dead]
        return await self.claim(consumer, free)


Answering = Callable[[Record], Acked | Refused]


@dataclass(slots=True, kw_only=True)
class ScriptedPublisher:
    """Answers each record as `answer` says; `sent` are the calls."""

    answer: Answering = lambda _: Acked(partition=0, offset=0)
    sent: list[Sequence[Record]] = field(default_factory=list)

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        self.sent.append(records)
        return [self.answer(record) for record in records]


@dataclass(slots=True, kw_only=True)
class ScriptedStream:
    """Hands out `batches`, then nothing. `log` is shared with whoever wants to know what came before what."""

    batches: list[Sequence[Delivery]]
    log: list[str] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    committed: list[Delivery] = field(default_factory=list)

    async def fetch(self) -> Sequence[Delivery]:
        self.log.append("fetch")
        return self.batches.pop(0) if self.batches else ()

    async def commit(self, deliveries: Sequence[Delivery]) -> None:
        self.log.append("offsets")
        self.committed += deliveries

    async def hold(self) -> None:
        self.log.append("hold")

    def owns(self, delivery: Delivery) -> bool:
        return delivery.partition not in self.lost


@dataclass(slots=True, kw_only=True)
class FakeMeter:
    """RelayMeter, ConsumerMeter and PaymentMeter."""

    types: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    handled: list[EventId] = field(default_factory=list)
    duplicates: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    retries: list[tuple[EventId, int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def published(self, rows: Sequence[PublishedRow]) -> None:
        self.types += [one.row.type for one in rows]

    def publish_failed(self, reason: str) -> None:
        self.reasons.append(reason)

    def processed(self, consumer: str, messages: Sequence[Message]) -> None:
        self.handled += [message.event_id for message in messages]

    def deduplicated(self, consumer: str, count: int) -> None:
        self.duplicates += count

    def retried(self, consumer: str, message: RetryableMessage, attempts: int, error: BaseException) -> None:
        self.retries.append((message.event_id, attempts))

    def dead_lettered(self, consumer: str, letters: Sequence[DeadLetter], error: BaseException | None) -> None:
        self.letters += letters

    def payment_failed(self, intent: Intent, error: Exception) -> None:
        self.errors.append(error)
