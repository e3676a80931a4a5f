"""The faults between a message and its effects: a handler that fails, a process that dies, a database that blinks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ordersys.domain.shared.errors import Unavailable
from ordersys.domain.shared.ids import EventId
from ordersys.messaging.inbox import Message
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.workshop.chaos.faults import CONSUME_CRASH, CONSUME_FAIL, DATABASE_BLIP, Faults

T = TypeVar("T")
HandlerOf = Callable[[T, Sequence[Message]], Awaitable[None]]


class DeliberateFailure(Exception):
    """A handler failed on purpose (consume.fail)."""


@dataclass(slots=True, kw_only=True)
class FailingHandler(Generic[T]):
    """Fails for single messages. One dice decides for each message: the verdict on a batch holds when the batch is
    taken apart to find the bad one, so the innocent ones pass and the guilty one fails alone.
    """

    handle: HandlerOf[T]
    faults: Faults
    _verdicts: Mapping[EventId, bool] = field(default_factory=dict)

    async def __call__(self, transaction: T, messages: Sequence[Message]) -> None:
        verdicts = {message.event_id: self._verdict(message.event_id) for message in messages}
        condemned = any(verdicts.values())
        self._remember(verdicts, apart=condemned and len(messages) > 1)
        if condemned:
            raise DeliberateFailure(CONSUME_FAIL)
        await self.handle(transaction, messages)

    def _verdict(self, event_id: EventId) -> bool:
        known = self._verdicts.get(event_id)
        return self.faults.strikes(CONSUME_FAIL) if known is None else known

    def _remember(self, verdicts: Mapping[EventId, bool], *, apart: bool) -> None:
        """`apart`: these are about to come again in smaller parts. What a batch before has left is forgotten."""
        if apart:
            earlier = self._verdicts if verdicts.keys() & self._verdicts.keys() else {}
            self._verdicts = {**earlier, **verdicts}
        else:
            self._verdicts = {known: verdict for known, verdict in self._verdicts.items() if known not in verdicts}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashingHandler(Generic[T]):
    """Ends the process when the effects are written and not yet committed. `crash` does not come back."""

    handle: HandlerOf[T]
    faults: Faults
    crash: Callable[[], None]

    async def __call__(self, transaction: T, messages: Sequence[Message]) -> None:
        await self.handle(transaction, messages)
        for _ in messages:
            if self.faults.strikes(CONSUME_CRASH):
                self.crash()


@dataclass(slots=True, kw_only=True)
class BlippingUnitOfWork(Generic[T]):
    """A unit of work that ends as Unavailable: in turn before its commit (nothing happened) and behind it (everything
    did, and only the answer was lost). Who is told cannot know which, as with a connection cut at COMMIT.
    """

    unit_of_work: UnitOfWork[T]
    faults: Faults
    _committed_last: bool = True

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[T]:
        async with self.unit_of_work.begin() as transaction:
            yield transaction
            struck = self.faults.strikes(DATABASE_BLIP)
            if struck:
                self._committed_last = not self._committed_last
            if struck and not self._committed_last:
                raise _blip()
            lost_answer = struck
        if lost_answer:
            raise _blip()


@dataclass(slots=True, kw_only=True)
class BlippingAutocommit(Generic[T]):
    """The same for work whose statements commit by themselves: in turn before it and behind it."""

    unit_of_work: UnitOfWork[T]
    faults: Faults
    _done_last: bool = True

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[T]:
        struck = self.faults.strikes(DATABASE_BLIP)
        if struck:
            self._done_last = not self._done_last
        if struck and not self._done_last:
            raise _blip()
        async with self.unit_of_work.begin() as transaction:
            yield transaction
        if struck:
            raise _blip()


def faulty_handler(handle: HandlerOf[T], faults: Faults, crash: Callable[[], None]) -> HandlerOf[T]:
    return FailingHandler(handle=CrashingHandler(handle=handle, faults=faults, crash=crash), faults=faults)


def _blip() -> Unavailable:
    return Unavailable("postgres", f"postgres blinked on purpose ({DATABASE_BLIP})")
