"""The consumer: one transaction per batch, inbox first, offsets after the commit.

What it keeps: the events of one order are handled in topic order; an offset moves only behind events whose effects
are committed; when the database is away nothing is the message's fault, so the batch waits and the member stays in
its group.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.messaging.envelope import Delivery, Stream
from ordersys.messaging.inbox import Decoder, Inbox, Message, Unreadable, read
from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.retry import DeadLetter, DeadLetters
from ordersys.messaging.work import AfterCommit, Work


class ConsumerTransaction(AfterCommit, Protocol):
    @property
    def inbox(self) -> Inbox: ...
    @property
    def dead_letters(self) -> DeadLetters: ...


T = TypeVar("T", bound=ConsumerTransaction)
Handler = Callable[[T, Sequence[Message]], Awaitable[None]]


class ConsumerMeter(Protocol):
    def processed(self, consumer: str, messages: Sequence[Message]) -> None: ...
    def deduplicated(self, consumer: str, count: int) -> None: ...
    def dead_lettered(self, consumer: str, letters: Sequence[DeadLetter], error: BaseException | None) -> None: ...


@dataclass(slots=True, kw_only=True)
class Consumer(Generic[T]):
    name: str
    stream: Stream
    work: Work[T]
    handle: Handler[T]
    decode: Decoder
    subscribed: frozenset[str]
    meter: ConsumerMeter
    _batch: Sequence[Delivery] = ()

    async def run_once(self) -> int:
        """Fetches a batch and settles it. A batch that met an absent database is kept and settled by the next call."""
        if not self._batch:
            self._batch = await self.stream.fetch()
        try:
            await self._settle(self._batch)
        except DomainError:
            await self.stream.hold()
            self._batch = [delivery for delivery in self._batch if self.stream.owns(delivery)]
            raise
        settled, self._batch = self._batch, ()
        if settled:
            await self.stream.commit(settled)
        return len(settled)

    async def _settle(self, deliveries: Sequence[Delivery]) -> None:
        messages, unreadable = self._read(deliveries)
        if unreadable:
            await self._bury(unreadable, None)
        if messages:
            await self._apply(messages)

    def _read(self, deliveries: Iterable[Delivery]) -> tuple[list[Message], list[DeadLetter]]:
        messages: list[Message] = []
        unreadable: list[DeadLetter] = []
        for delivery in deliveries:
            try:
                message = read(delivery, self.subscribed, self.decode)
            except Unreadable as error:
                unreadable.append(self._letter(delivery, None, f"Unreadable: {error}"))
            else:
                messages.extend([message] if message else [])
        return messages, unreadable

    async def _apply(self, messages: Sequence[Message]) -> None:
        """All together; if that fails, one by one, so that the bad one fails alone."""
        try:
            await self._commit(messages)
        except Exception as error:
            if isinstance(error, DomainError) and error.kind is Kind.TRANSIENT:
                raise
            if len(messages) == 1:
                letter = self._letter(messages[0].delivery, messages[0], f"{type(error).__name__}: {error}")
                await self._bury([letter], error)
                return
            for message in messages:
                await self._apply([message])

    async def _commit(self, messages: Sequence[Message]) -> None:
        async with self.work.begin() as transaction:
            new = await transaction.inbox.claim(self.name, messages)
            once = first_of_each(messages, lambda message: message.event_id)
            fresh = [message for message in once if message.event_id in new]
            if fresh:
                await self.handle(transaction, fresh)
            transaction.on_commit(lambda: self._count(fresh, len(messages) - len(fresh)))

    def _count(self, fresh: Sequence[Message], duplicates: int) -> None:
        self.meter.processed(self.name, fresh)
        self.meter.deduplicated(self.name, duplicates)

    async def _bury(self, letters: Sequence[DeadLetter], error: BaseException | None) -> None:
        async with self.work.begin() as transaction:
            await transaction.dead_letters.add(letters)
            transaction.on_commit(lambda: self.meter.dead_lettered(self.name, letters, error))

    def _letter(self, delivery: Delivery, message: Message | None, error: str) -> DeadLetter:
        return DeadLetter(
            consumer=self.name,
            event_id=message.event_id if message else None,
            order_id=message.order_id if message else None,
            type=message.type if message else None,
            delivery=delivery,
            attempts=1,
            error=error,
        )
