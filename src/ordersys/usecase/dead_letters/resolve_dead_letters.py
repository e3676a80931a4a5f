"""Replays and discards dead letters. A replay goes only to the consumer that failed to handle the message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.inbox import Unreadable, identified
from ordersys.messaging.retry_queue import QueuedMessage
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.dead_letters.ports import DeadLetterStatus, DeadLetterTransaction, LockedDeadLetter


class Resolution(StrEnum):
    DONE = "done"
    DONE_BEFORE = "done before"
    NOT_FOUND = "not found"
    UNREADABLE = "unreadable"
    REPLAYED_BEFORE = "replayed before"


class DeadLetterNotFound(DomainError):
    def __init__(self) -> None:
        super().__init__("letter_not_found", Kind.NOT_FOUND, "The dead letter does not exist.")


class DeadLetterUnreadable(DomainError):
    def __init__(self) -> None:
        super().__init__("letter_unreadable", Kind.CONFLICT, "The dead letter has no readable event id; discard it.")


class DeadLetterAlreadyReplayed(DomainError):
    def __init__(self) -> None:
        super().__init__(
            "letter_replayed", Kind.CONFLICT, "The dead letter was already replayed, and its message is queued."
        )


REFUSALS: Mapping[Resolution, type[DeadLetterNotFound | DeadLetterUnreadable | DeadLetterAlreadyReplayed]] = {
    Resolution.NOT_FOUND: DeadLetterNotFound,
    Resolution.UNREADABLE: DeadLetterUnreadable,
    Resolution.REPLAYED_BEFORE: DeadLetterAlreadyReplayed,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDeadLetters:
    """Replays are idempotent: the message is handled once. A discarded dead letter can be replayed."""

    unit_of_work: UnitOfWork[DeadLetterTransaction]

    async def execute(self, ids: Sequence[UUID], *, by: str) -> Mapping[UUID, Resolution]:
        async with self.unit_of_work.begin() as transaction:
            letters = await transaction.resolutions.lock(ids)
            verdicts = {one: _replayable(letters.get(one)) for one in ids}
            chosen = [letters[one] for one, verdict in verdicts.items() if verdict is Resolution.DONE]
            # Before enqueuing: an unresolved dead letter keeps its message out of the retry queue.
            await transaction.resolutions.resolve([letter.id for letter in chosen], DeadLetterStatus.REPLAYED, by=by)
            for letter in chosen:
                await transaction.retries.enqueue(letter.consumer, [_message(letter)])
            transaction.changed(_orders(chosen))
        return verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardDeadLetters:
    """The message will not be handled; the dead letter remains readable."""

    unit_of_work: UnitOfWork[DeadLetterTransaction]

    async def execute(self, ids: Sequence[UUID], *, by: str) -> Mapping[UUID, Resolution]:
        async with self.unit_of_work.begin() as transaction:
            letters = await transaction.resolutions.lock(ids)
            verdicts = {one: _discardable(letters.get(one)) for one in ids}
            chosen = [one for one, verdict in verdicts.items() if verdict is Resolution.DONE]
            await transaction.resolutions.resolve(chosen, DeadLetterStatus.DISCARDED, by=by)
            transaction.changed(_orders(letters[one] for one in chosen))
        return verdicts


def demand(verdict: Resolution) -> None:
    """Raises the error for a refused resolution."""
    if verdict in REFUSALS:
        raise REFUSALS[verdict]


def _replayable(letter: LockedDeadLetter | None) -> Resolution:
    if letter is None:
        return Resolution.NOT_FOUND
    if letter.status is DeadLetterStatus.REPLAYED:
        return Resolution.DONE_BEFORE
    try:
        _message(letter)
    except Unreadable:
        return Resolution.UNREADABLE
    return Resolution.DONE


def _discardable(letter: LockedDeadLetter | None) -> Resolution:
    if letter is None:
        return Resolution.NOT_FOUND
    by_status = {
        DeadLetterStatus.NEW: Resolution.DONE,
        DeadLetterStatus.DISCARDED: Resolution.DONE_BEFORE,
        DeadLetterStatus.REPLAYED: Resolution.REPLAYED_BEFORE,
    }
    return by_status[letter.status]


def _orders(letters: Iterable[LockedDeadLetter]) -> Iterator[OrderId]:
    """Yields the order ids of the readable dead letters."""
    for letter in letters:
        with suppress(Unreadable):
            yield _message(letter).order_id


def _message(letter: LockedDeadLetter) -> QueuedMessage:
    event_id, order_id, event_type = identified(letter.delivery)
    return QueuedMessage(event_id=event_id, order_id=order_id, type=event_type, delivery=letter.delivery)
