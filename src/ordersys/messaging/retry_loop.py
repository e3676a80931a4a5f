"""The retry loop: later attempts, one message at a time, each counted before it runs in a transaction of its own.

One at a time, because every counted attempt must be made: in a group, a message that ends the process would use up
attempts of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.handling import ConsumerMeter, Handler, T, error_text, is_transient
from ordersys.messaging.inbox import Decoder, Message, Unreadable, read
from ordersys.messaging.retry_queue import QueuedMessage
from ordersys.messaging.unit_of_work import UnitOfWork


@dataclass(slots=True, kw_only=True)
class RetryLoop(Generic[T]):
    """`delays`: seconds after attempt 1, 2, …; the attempt after the last delay is the last attempt."""

    name: str
    unit_of_work: UnitOfWork[T]
    handle: Handler[T]
    decode: Decoder
    subscribed: frozenset[str]
    meter: ConsumerMeter
    delays: Sequence[float]
    _claimed: QueuedMessage | None = None

    async def run_once(self) -> int:
        """Makes one attempt, if one is due. Returns the number of attempts made."""
        await self._uncount_attempt()
        async with self.unit_of_work.begin() as transaction:
            due = self._claimed = await transaction.retries.claim_next_attempt(self.name, self.delays)
            transaction.changed([due.order_id] if due else ())
        if due is None:
            return 0
        await self._attempt(due)
        self._claimed = None
        return 1

    async def _uncount_attempt(self) -> None:
        """Uncounts an attempt that was not made because the database was unavailable."""
        if self._claimed:
            async with self.unit_of_work.begin() as transaction:
                await transaction.retries.uncount_attempts(self.name, {self._claimed.event_id: self._claimed.attempts})
            self._claimed = None

    async def _attempt(self, due: QueuedMessage) -> None:
        if due.attempts > len(self.delays) + 1:
            # The last attempt ended the process.
            await self._dead_letter(due, due.error)
            return
        try:
            message = read(due.delivery, self.subscribed, self.decode)
            await self._handle(due, message)
        except Unreadable as error:
            await self._dead_letter(due, error_text(error))
        except Exception as error:
            if is_transient(error):
                raise
            await self._failed(due, error)

    async def _handle(self, due: QueuedMessage, message: Message | None) -> None:
        """Skips a type that is no longer subscribed to, as in a batch."""
        async with self.unit_of_work.begin() as transaction:
            if (
                not await transaction.retries.remove_if_unchanged(self.name, {due.event_id: due.attempts})
                or message is None
            ):
                return
            transaction.changed([message.order_id])
            new = await transaction.inbox.claim(self.name, [message])
            if new:
                await self.handle(transaction, [message])
            transaction.on_commit(lambda: self._count(message, new=bool(new)))

    def _count(self, message: Message, *, new: bool) -> None:
        self.meter.processed(self.name, [message] if new else [])
        self.meter.deduplicated(self.name, 0 if new else 1)

    async def _failed(self, due: QueuedMessage, error: Exception) -> None:
        if due.attempts > len(self.delays):
            await self._dead_letter(due, error_text(error), error)
            return
        delay = self.delays[due.attempts - 1]
        async with self.unit_of_work.begin() as transaction:
            await transaction.retries.record_failure(self.name, due.event_id, due.attempts, error_text(error), delay)
            transaction.changed([due.order_id])
            transaction.on_commit(lambda: self.meter.retried(self.name, due, due.attempts, error))

    async def _dead_letter(self, due: QueuedMessage, reason: str, error: Exception | None = None) -> None:
        letter = DeadLetter(
            consumer=self.name,
            event_id=due.event_id,
            order_id=due.order_id,
            type=due.type,
            delivery=due.delivery,
            attempts=min(due.attempts, len(self.delays) + 1),
            error=reason,
        )
        async with self.unit_of_work.begin() as transaction:
            if await transaction.retries.remove_if_unchanged(self.name, {due.event_id: due.attempts}):
                await transaction.dead_letters.add([letter])
                transaction.changed([due.order_id])
                transaction.on_commit(lambda: self.meter.dead_lettered(self.name, [letter], error))
