"""The later attempts: one message at a time, each in a transaction of its own, its attempt counted beforehand.

One at a time, because an attempt that is counted must be one that is made: of several, a message that ends the process
would cost the others theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from ordersys.messaging.handling import ConsumerMeter, Handler, T, error_text, is_transient
from ordersys.messaging.inbox import Decoder, Message, Unreadable, read
from ordersys.messaging.retry_queue import DeadLetter, QueuedMessage
from ordersys.messaging.unit_of_work import UnitOfWork


@dataclass(slots=True, kw_only=True)
class RetryLoop(Generic[T]):
    """`delays`: seconds after attempt 1, 2, …; the attempt after the last of them is the last one."""

    name: str
    unit_of_work: UnitOfWork[T]
    handle: Handler[T]
    decode: Decoder
    subscribed: frozenset[str]
    meter: ConsumerMeter
    delays: Sequence[float]
    _counted: QueuedMessage | None = None

    async def run_once(self) -> int:
        """Makes one attempt, if one is due. Answers how many it made."""
        await self._give_back()
        async with self.unit_of_work.begin() as transaction:
            due = self._counted = await transaction.retries.count_due(self.name, self.delays)
            transaction.changed([due.order_id] if due else ())
        if due is None:
            return 0
        await self._attempt(due)
        self._counted = None
        return 1

    async def _give_back(self) -> None:
        """The attempt that met an absent database was none."""
        if self._counted:
            async with self.unit_of_work.begin() as transaction:
                await transaction.retries.give_back(self.name, {self._counted.event_id: self._counted.attempts})
            self._counted = None

    async def _attempt(self, due: QueuedMessage) -> None:
        if due.attempts > len(self.delays) + 1:
            # The last attempt has ended the process.
            await self._bury(due, due.error)
            return
        try:
            message = read(due.delivery, self.subscribed, self.decode)
            await self._handle(due, message)
        except Unreadable as error:
            await self._bury(due, error_text(error))
        except Exception as error:
            if is_transient(error):
                raise
            await self._failed(due, error)

    async def _handle(self, due: QueuedMessage, message: Message | None) -> None:
        """A type that nobody subscribes to any more is passed over, as in a batch."""
        async with self.unit_of_work.begin() as transaction:
            if not await transaction.retries.take(self.name, {due.event_id: due.attempts}) or message is None:
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
            await self._bury(due, error_text(error), error)
            return
        delay = self.delays[due.attempts - 1]
        async with self.unit_of_work.begin() as transaction:
            await transaction.retries.defer(self.name, due.event_id, due.attempts, error_text(error), delay)
            transaction.changed([due.order_id])
            transaction.on_commit(lambda: self.meter.retried(self.name, due, due.attempts, error))

    async def _bury(self, due: QueuedMessage, reason: str, error: Exception | None = None) -> None:
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
            if await transaction.retries.take(self.name, {due.event_id: due.attempts}):
                await transaction.dead_letters.add([letter])
                transaction.changed([due.order_id])
                transaction.on_commit(lambda: self.meter.dead_lettered(self.name, [letter], error))
