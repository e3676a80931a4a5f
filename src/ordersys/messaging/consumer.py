"""The consumer: one transaction per batch, inbox first, offsets after the commit.

Invariants: the events of an order are handled in topic order. An offset is committed only after its event's effects are
committed, or the event is stored in the retry queue or as a dead letter. If the database is unavailable, no message is
at fault: the batch waits, and the member stays in its group.

With a backlog, the next batch is fetched and decoded while the database works on the current one.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic
from uuid import UUID

from ordersys.domain.shared.errors import DomainError
from ordersys.domain.shared.ids import EventId
from ordersys.messaging.crash_loop_guard import CrashLoopGuard
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Delivery, Stream
from ordersys.messaging.handling import ConsumerMeter, Handler, T, error_text, is_transient
from ordersys.messaging.inbox import Decoder, Message, ParseId, Unreadable, read
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    deliveries: Sequence[Delivery] = ()
    messages: Sequence[Message] = ()
    unreadable: Sequence[DeadLetter] = ()


@dataclass(slots=True, kw_only=True)
class Consumer(Generic[T]):
    """`retry_delay`: seconds between the first attempt and the second. `batch_size`: the size of a full batch."""

    name: str
    stream: Stream
    unit_of_work: UnitOfWork[T]
    handle: Handler[T]
    decode: Decoder
    subscribed: frozenset[str]
    meter: ConsumerMeter
    crash_loop_guard: CrashLoopGuard
    batch_size: int
    retry_delay: float = 1.0
    parse_id: ParseId = UUID
    _batch: _Batch = field(default_factory=_Batch)
    _ahead: "asyncio.Task[_Batch] | None" = None
    _reserved: frozenset[EventId] = frozenset()

    async def run_once(self) -> int:
        """Fetches a batch and settles it. If the database is unavailable, the next call settles the same batch."""
        if not self._batch.deliveries:
            self._batch = await self._next()
        try:
            await self._settle(self._batch)
        except DomainError:
            await self.stream.hold()
            self._batch = self._still_ours(self._batch)
            raise
        settled, self._batch = self._batch.deliveries, _Batch()
        if settled:
            await self.stream.commit(settled)
        return len(settled)

    async def _next(self) -> _Batch:
        ahead, self._ahead = self._ahead, None
        batch = self._still_ours(await ahead) if ahead else await self._fetch()
        # Not for smaller batches: records that arrive in the meantime make the next batch larger.
        if len(batch.deliveries) >= self.batch_size > 1:
            self._ahead = asyncio.create_task(self._fetch())
        return batch

    async def _fetch(self) -> _Batch:
        return self._read(await self.stream.fetch())

    def _still_ours(self, batch: _Batch) -> _Batch:
        ours = [delivery for delivery in batch.deliveries if self.stream.owns(delivery)]
        return batch if len(ours) == len(batch.deliveries) else self._read(ours)

    async def _settle(self, batch: _Batch) -> None:
        messages = batch.messages
        if batch.unreadable:
            await self._dead_letter(batch.unreadable)
        if not messages:
            return
        await self._reserve_attempts(messages)
        await self._apply(messages, frozenset())
        self.crash_loop_guard.done(message for message in messages if message.event_id in self._reserved)
        self._reserved = frozenset()

    def _read(self, deliveries: Sequence[Delivery]) -> _Batch:
        messages: list[Message] = []
        unreadable: list[DeadLetter] = []
        for delivery in deliveries:
            try:
                message = read(delivery, self.subscribed, self.decode, self.parse_id)
            except Unreadable as error:
                unreadable.append(_undecodable(self.name, delivery, error_text(error)))
            else:
                messages.extend([message] if message else [])
        return _Batch(deliveries=deliveries, messages=messages, unreadable=unreadable)

    async def _reserve_attempts(self, messages: Sequence[Message]) -> None:
        if self._reserved:
            # The database became unavailable before these were handled; the retry loop will attempt them.
            async with self.unit_of_work.begin() as transaction:
                await transaction.retries.uncount_attempts(self.name, dict.fromkeys(self._reserved, 1))
            self._reserved = frozenset()
        wanted = self.crash_loop_guard.wanted(messages)
        if wanted:
            async with self.unit_of_work.begin() as transaction:
                # Set even if the response to the commit is lost.
                self._reserved = frozenset(
                    await transaction.retries.reserve_first_attempt(self.name, wanted, self.retry_delay)
                )

    async def _apply(self, messages: Sequence[Message], later: frozenset[EventId]) -> None:
        """Handles the messages in one transaction. If that fails, it handles each half, down to the message that fails
        alone. `later`: messages of the batch that come after these.
        """
        try:
            await self._commit(messages, later)
        except Exception as error:
            if is_transient(error):
                raise
            if len(messages) == 1:
                await self._store_failure(messages[0], error)
                return
            middle = len(messages) // 2
            await self._apply(messages[:middle], later | {message.event_id for message in messages[middle:]})
            await self._apply(messages[middle:], later)

    async def _commit(self, messages: Sequence[Message], later: frozenset[EventId]) -> None:
        async with self.unit_of_work.begin() as transaction:
            ours = await self._lock_reserved(transaction, messages)
            new = await transaction.inbox.claim_free(self.name, messages, passing=later | ours)
            await self._release_reserved(transaction, ours, new)
            fresh, others = _split(messages, new)
            behind = await transaction.retries.enqueue(self.name, others) if others else ()
            if fresh:
                await self.handle(transaction, fresh)
            transaction.changed(message.order_id for message in messages)
            transaction.on_commit(lambda: self._count(fresh, len(messages) - len(fresh) - len(behind)))

    async def _lock_reserved(self, transaction: T, messages: Sequence[Message]) -> set[EventId]:
        """Returns the reserved messages that the retry loop has not attempted since."""
        if not self._reserved:
            return set()
        counted = {message.event_id: 1 for message in messages if message.event_id in self._reserved}
        return await transaction.retries.lock_if_unchanged(self.name, counted) if counted else set()

    async def _release_reserved(self, transaction: T, ours: Collection[EventId], new: Collection[EventId]) -> None:
        """Removes the handled messages from the retry queue. Those that must wait keep their place, without an
        attempt.
        """
        if not ours:
            return
        await transaction.retries.remove_if_unchanged(self.name, {one: 1 for one in ours if one in new})
        waiting = {one: 1 for one in ours if one not in new}
        if waiting:
            await transaction.retries.uncount_attempts(self.name, waiting)

    def _count(self, fresh: Sequence[Message], duplicates: int) -> None:
        self.meter.processed(self.name, fresh)
        self.meter.deduplicated(self.name, duplicates)

    async def _store_failure(self, message: Message, error: Exception) -> None:
        async with self.unit_of_work.begin() as transaction:
            await transaction.retries.record_first_failure(self.name, message, error_text(error), self.retry_delay)
            transaction.changed([message.order_id])
            transaction.on_commit(lambda: self.meter.retried(self.name, message, 1, error))

    async def _dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        async with self.unit_of_work.begin() as transaction:
            await transaction.dead_letters.add(letters)
            transaction.on_commit(lambda: self.meter.dead_lettered(self.name, letters, None))


def _split(messages: Sequence[Message], new: Collection[EventId]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Returns the new messages and the others, without duplicates."""
    if len(new) == len(messages):
        return messages, ()
    once = first_of_each(messages, lambda message: message.event_id)
    fresh = [message for message in once if message.event_id in new]
    return fresh, [message for message in once if message.event_id not in new]


def _undecodable(consumer: str, delivery: Delivery, error: str) -> DeadLetter:
    return DeadLetter(
        consumer=consumer, event_id=None, order_id=None, type=None, delivery=delivery, attempts=1, error=error
    )
