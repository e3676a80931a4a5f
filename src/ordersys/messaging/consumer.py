"""The consumer: one transaction per batch, inbox first, offsets after the commit.

What it keeps: the events of one order are handled in topic order; an offset moves only behind events whose effects
are committed, or that are kept for a later attempt or as dead letters; when the database is away nothing is the
message's fault, so the batch waits and the member stays in its group.

With a backlog the next batch is fetched and read while the database works on this one.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic
from uuid import UUID

from ordersys.domain.shared.errors import DomainError
from ordersys.domain.shared.ids import EventId
from ordersys.messaging.crash_loop_guard import CrashLoopGuard
from ordersys.messaging.envelope import Delivery, Stream
from ordersys.messaging.handling import ConsumerMeter, Handler, T, error_text, is_transient
from ordersys.messaging.inbox import Decoder, Message, ParseId, Unreadable, read
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.retry_queue import DeadLetter
from ordersys.messaging.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    deliveries: Sequence[Delivery] = ()
    messages: Sequence[Message] = ()
    unreadable: Sequence[DeadLetter] = ()


@dataclass(slots=True, kw_only=True)
class Consumer(Generic[T]):
    """`retry_delay`: seconds from the first attempt to the second. `batch_size`: what a fetch brings when there is more
    behind it.
    """

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
    _counted: frozenset[EventId] = frozenset()

    async def run_once(self) -> int:
        """Fetches a batch and settles it. A batch that met an absent database is kept and settled by the next call."""
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
        # Smaller ones are not worth it: what comes meanwhile makes the next one larger.
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
            await self._bury(batch.unreadable)
        if not messages:
            return
        await self._count_ahead(messages)
        await self._apply(messages, frozenset())
        self.crash_loop_guard.done(message for message in messages if message.event_id in self._counted)
        self._counted = frozenset()

    def _read(self, deliveries: Sequence[Delivery]) -> _Batch:
        messages: list[Message] = []
        unreadable: list[DeadLetter] = []
        for delivery in deliveries:
            try:
                message = read(delivery, self.subscribed, self.decode, self.parse_id)
            except Unreadable as error:
                unreadable.append(_letter(self.name, delivery, error_text(error)))
            else:
                messages.extend([message] if message else [])
        return _Batch(deliveries=deliveries, messages=messages, unreadable=unreadable)

    async def _count_ahead(self, messages: Sequence[Message]) -> None:
        if self._counted:
            # The database went away before these could be handled; they are left to the later attempts.
            async with self.unit_of_work.begin() as transaction:
                await transaction.retries.give_back(self.name, dict.fromkeys(self._counted, 1))
            self._counted = frozenset()
        wanted = self.crash_loop_guard.wanted(messages)
        if wanted:
            async with self.unit_of_work.begin() as transaction:
                # Known even if the answer to the commit is lost.
                self._counted = frozenset(await transaction.retries.count_ahead(self.name, wanted, self.retry_delay))

    async def _apply(self, messages: Sequence[Message], later: frozenset[EventId]) -> None:
        """All together; if that fails, half by half, so that the bad one fails alone. `later` are those of the batch
        whose turn is still to come.
        """
        try:
            await self._commit(messages, later)
        except Exception as error:
            if is_transient(error):
                raise
            if len(messages) == 1:
                await self._put_aside(messages[0], error)
                return
            middle = len(messages) // 2
            await self._apply(messages[:middle], later | {message.event_id for message in messages[middle:]})
            await self._apply(messages[middle:], later)

    async def _commit(self, messages: Sequence[Message], later: frozenset[EventId]) -> None:
        async with self.unit_of_work.begin() as transaction:
            ours = await self._lock(transaction, messages)
            new = await transaction.inbox.claim_free(self.name, messages, passing=later | ours)
            await self._release(transaction, ours, new)
            fresh, others = _split(messages, new)
            behind = await transaction.retries.queue(self.name, others) if others else ()
            if fresh:
                await self.handle(transaction, fresh)
            transaction.changed(message.order_id for message in messages)
            transaction.on_commit(lambda: self._count(fresh, len(messages) - len(fresh) - len(behind)))

    async def _lock(self, transaction: T, messages: Sequence[Message]) -> set[EventId]:
        """Those that were counted ahead and that no later attempt has taken over."""
        if not self._counted:
            return set()
        counted = {message.event_id: 1 for message in messages if message.event_id in self._counted}
        return await transaction.retries.lock(self.name, counted) if counted else set()

    async def _release(self, transaction: T, ours: Collection[EventId], new: Collection[EventId]) -> None:
        """What has to wait keeps its place before the later ones of its order, and its attempt was none."""
        if not ours:
            return
        await transaction.retries.take(self.name, {one: 1 for one in ours if one in new})
        waiting = {one: 1 for one in ours if one not in new}
        if waiting:
            await transaction.retries.give_back(self.name, waiting)

    def _count(self, fresh: Sequence[Message], duplicates: int) -> None:
        self.meter.processed(self.name, fresh)
        self.meter.deduplicated(self.name, duplicates)

    async def _put_aside(self, message: Message, error: Exception) -> None:
        async with self.unit_of_work.begin() as transaction:
            await transaction.retries.put_aside(self.name, message, error_text(error), self.retry_delay)
            transaction.changed([message.order_id])
            transaction.on_commit(lambda: self.meter.retried(self.name, message, 1, error))

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        async with self.unit_of_work.begin() as transaction:
            await transaction.dead_letters.add(letters)
            transaction.on_commit(lambda: self.meter.dead_lettered(self.name, letters, None))


def _split(messages: Sequence[Message], new: Collection[EventId]) -> tuple[Sequence[Message], Sequence[Message]]:
    """The new ones and the others, each of them once."""
    if len(new) == len(messages):
        return messages, ()
    once = first_of_each(messages, lambda message: message.event_id)
    fresh = [message for message in once if message.event_id in new]
    return fresh, [message for message in once if message.event_id not in new]


def _letter(consumer: str, delivery: Delivery, error: str) -> DeadLetter:
    return DeadLetter(
        consumer=consumer, event_id=None, order_id=None, type=None, delivery=delivery, attempts=1, error=error
    )
