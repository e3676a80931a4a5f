"""Kept messages and dead letters in memory; tests/contract holds them to what PostgreSQL does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Cause, Copy, Delivery
from ordersys.messaging.outbox import OutboxRow, shard_of
from ordersys.messaging.retry_queue import NO_OUTCOME, WAITS, QueuedMessage, RetryableMessage
from ordersys.messaging.topics import DEAD_LETTERED, DEAD_LETTERS
from tests.fakes.clock import NOON
from tests.fakes.memory import Changes

if TYPE_CHECKING:
    from tests.fakes.messaging import MessagingTables

Place = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    id: int
    event_id: EventId
    order_id: OrderId
    type: str
    delivery: Delivery
    attempts: int
    next_at: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLetter:
    id: UUID
    letter: DeadLetter
    status: str = "NEW"
    by: str | None = None

    @property
    def delivery(self) -> Delivery:
        return self.letter.delivery


def dead_events(tables: "MessagingTables", changes: Changes, consumer: str) -> set[EventId]:
    return {
        one.letter.event_id
        for one in changes.rows(tables.letters).values()
        if one.letter.consumer == consumer and one.letter.event_id and one.status != "REPLAYED"
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRetryQueue:
    tables: "MessagingTables"
    changes: Changes

    async def reserve_first_attempt(
        self, consumer: str, messages: Sequence[RetryableMessage], delay: float
    ) -> set[EventId]:
        held = {row.order_id for row in self._rows(consumer)}
        free = [one for one in messages if one.order_id not in held]
        return await self._keep(consumer, free, attempts=1, delay=delay, error=NO_OUTCOME)

    async def lock_if_unchanged(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        await self.changes.lock(self.tables.retries, [(consumer, event_id) for event_id in attempts])
        return {row.event_id for row in self._rows(consumer) if attempts.get(row.event_id) == row.attempts}

    async def remove_if_unchanged(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        await self.changes.lock(self.tables.retries, [(consumer, event_id) for event_id in attempts])
        taken = {row.event_id for row in self._rows(consumer) if attempts.get(row.event_id) == row.attempts}
        for event_id in taken:
            self.changes.remove(self.tables.retries, (consumer, event_id))
        return taken

    async def enqueue(self, consumer: str, messages: Sequence[RetryableMessage]) -> set[EventId]:
        return await self._keep(consumer, messages, attempts=0, delay=0, error=WAITS)

    async def record_first_failure(self, consumer: str, message: RetryableMessage, error: str, delay: float) -> None:
        await self.changes.lock(self.tables.retries, [(consumer, message.event_id)])
        known = self.changes.rows(self.tables.retries).get((consumer, message.event_id))
        if known is None:
            self._put(consumer, message, attempts=1, delay=delay, error=error)
        elif known.attempts == 1:
            self._replace(consumer, replace(known, error=error, next_at=self.tables.ticker() + delay))

    async def claim_next_attempt(self, consumer: str, delays: Sequence[float]) -> QueuedMessage | None:
        for row in sorted(self._rows(consumer), key=lambda row: (row.next_at, row.id)):
            if self._is_due(consumer, row) and self.changes.try_lock(self.tables.retries, (consumer, row.event_id)):
                return self._counted(consumer, row, delays)
        return None

    async def record_failure(self, consumer: str, event_id: EventId, attempts: int, error: str, delay: float) -> None:
        row = self.changes.rows(self.tables.retries).get((consumer, event_id))
        if row and row.attempts == attempts:
            self._replace(consumer, replace(row, error=error, next_at=self.tables.ticker() + delay))

    async def uncount_attempts(self, consumer: str, attempts: Mapping[EventId, int]) -> None:
        for row in self._rows(consumer):
            if row.event_id in attempts and row.attempts >= attempts[row.event_id]:
                self._replace(consumer, replace(row, attempts=row.attempts - 1, next_at=self.tables.ticker()))

    def _rows(self, consumer: str) -> list[KeptRow]:
        return [row for (name, _), row in self.changes.rows(self.tables.retries).items() if name == consumer]

    async def _keep(self, consumer: str, messages: Sequence[RetryableMessage], **how: Any) -> set[EventId]:
        dead = dead_events(self.tables, self.changes, consumer)
        kept: set[EventId] = set()
        for message in messages:
            key = consumer, message.event_id
            await self.changes.lock(self.tables.retries, [key])
            done = key in self.changes.rows(self.tables.inbox) or message.event_id in dead
            if not done and key not in self.changes.rows(self.tables.retries):
                self._put(consumer, message, **how)
                kept.add(message.event_id)
        return kept

    def _put(self, consumer: str, message: RetryableMessage, *, attempts: int, delay: float, error: str) -> None:
        row = KeptRow(
            id=next(self.tables.ids),
            event_id=message.event_id,
            order_id=message.order_id,
            type=message.type,
            delivery=_stored(message.delivery),
            attempts=attempts,
            next_at=self.tables.ticker() + delay,
            error=error,
        )
        self._replace(consumer, row)

    def _replace(self, consumer: str, row: KeptRow) -> None:
        self.changes.put(self.tables.retries, (consumer, row.event_id), row)

    def _is_due(self, consumer: str, row: KeptRow) -> bool:
        ahead = (one for one in self._rows(consumer) if one.order_id == row.order_id and one.id < row.id)
        return row.next_at <= self.tables.ticker() and not any(ahead)

    def _counted(self, consumer: str, row: KeptRow, delays: Sequence[float]) -> QueuedMessage:
        error = NO_OUTCOME if row.attempts <= len(delays) else row.error
        next_at = self.tables.ticker() + delays[min(row.attempts, len(delays) - 1)]
        counted = replace(row, attempts=row.attempts + 1, error=error, next_at=next_at)
        self._replace(consumer, counted)
        return QueuedMessage(
            event_id=row.event_id,
            order_id=row.order_id,
            type=row.type,
            delivery=row.delivery,
            attempts=counted.attempts,
            error=error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeDeadLetters:
    tables: "MessagingTables"
    changes: Changes

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            delivery = letter.delivery
            place = letter.consumer, delivery.topic, delivery.partition, delivery.offset
            await self.changes.lock(self.tables.letters, [place])
            known = self.changes.rows(self.tables.letters).get(place)
            if known is None:
                self._put(place, StoredLetter(id=UUID(int=next(self.tables.ids)), letter=letter))
            elif known.status == "REPLAYED" and not self._handled(letter):
                self._put(place, replace(known, letter=letter, status="NEW"))

    def _handled(self, letter: DeadLetter) -> bool:
        return (letter.consumer, letter.event_id) in self.changes.rows(self.tables.inbox)

    def _put(self, place: Place, stored: StoredLetter) -> None:
        self.changes.put(self.tables.letters, place, stored)
        row = _copied(stored.letter, next(self.tables.ids))
        self.changes.put(self.tables.outbox, row.id, row)


def _stored(delivery: Delivery) -> Delivery:
    return Delivery(
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        key=delivery.key,
        value=delivery.value,
        headers=dict(delivery.headers),
    )


def _copied(letter: DeadLetter, number: int) -> OutboxRow:
    delivery = letter.delivery
    place = OrderId(uuid5(NAMESPACE_URL, f"{letter.consumer}/{delivery.topic}/{delivery.partition}/{delivery.offset}"))
    told = {
        "dlq_consumer": letter.consumer,
        "dlq_error": letter.error,
        "dlq_attempts": str(letter.attempts),
        "dlq_topic": delivery.topic,
        "dlq_partition": str(delivery.partition),
        "dlq_offset": str(delivery.offset),
    }
    headers = {**delivery.headers, **{name: text.encode() for name, text in told.items()}}
    return OutboxRow(
        id=number,
        event_id=EventId(UUID(int=number)),
        order_id=place,
        stream=DEAD_LETTERS,
        type=DEAD_LETTERED,
        source=letter.consumer,
        payload=(delivery.value or b"").decode(errors="replace"),
        cause=Cause(correlation_id=""),
        shard=shard_of(place),
        occurred_at=NOON,
        attempts=0,
        copy=Copy(key=delivery.key, encoding="text", headers=tuple(headers.items())),
    )
