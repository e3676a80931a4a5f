"""What is kept of messages that could not be handled: those that get another attempt, and those that get none.

An attempt is counted, and the count committed, before the handler runs: a message that ends the process has spent it
all the same. Of one order and consumer only the oldest kept message is ever due; the later ones wait behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.envelope import Delivery

WAITS: Final = "waits for an earlier event of its order"
NO_OUTCOME: Final = "no outcome: the attempt is under way, or the process ended during it"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A delivery that its consumer could not handle. The ids are None when its bytes could not be read."""

    consumer: str
    event_id: EventId | None
    order_id: OrderId | None
    type: str | None
    delivery: Delivery
    attempts: int
    error: str


class DeadLetters(Protocol):
    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keeps them and sends each to the dead letter topic, by the outbox. One that is kept already (same consumer,
        topic, partition, offset) is not kept twice; one that was replayed and failed again is new again.
        """
        ...


class RetryableMessage(Protocol):
    """What is needed of a message to keep it."""

    @property
    def event_id(self) -> EventId: ...
    @property
    def order_id(self) -> OrderId: ...
    @property
    def type(self) -> str: ...
    @property
    def delivery(self) -> Delivery: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """A kept message. `attempts` are the counted ones, `error` is what became of the last."""

    event_id: EventId
    order_id: OrderId
    type: str
    delivery: Delivery
    attempts: int = 0
    error: str = WAITS


class RetryQueue(Protocol):
    """The kept messages of all consumers. Delays are seconds."""

    async def count_ahead(self, consumer: str, messages: Sequence[RetryableMessage], delay: float) -> set[EventId]:
        """Keeps messages that are about to be handled for the first time, with one attempt counted. Answers which;
        not those that were handled before, are dead, are kept already or must wait behind a kept one.
        """
        ...

    async def lock(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        """Keeps others from what still has so many attempts until the transaction ends. Answers which; the others are
        not ours.
        """
        ...

    async def take(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        """Takes out what still has so many attempts. Answers which; the others are not ours."""
        ...

    async def queue(self, consumer: str, messages: Sequence[RetryableMessage]) -> set[EventId]:
        """Keeps them without an attempt, due as soon as they are the oldest of their order. Answers which are new here;
        those that were handled before or are dead are not kept.
        """
        ...

    async def put_aside(self, consumer: str, message: RetryableMessage, error: str, delay: float) -> None:
        """Keeps a message whose first attempt failed."""
        ...

    async def count_due(self, consumer: str, delays: Sequence[float]) -> QueuedMessage | None:
        """Counts an attempt of one that is due, and answers it. `delays[n - 1]` follows attempt n; the last repeats."""
        ...

    async def defer(self, consumer: str, event_id: EventId, attempts: int, error: str, delay: float) -> None:
        """Says why that attempt failed and when the next is due, unless somebody has counted on meanwhile."""
        ...

    async def give_back(self, consumer: str, attempts: Mapping[EventId, int]) -> None:
        """Takes back one attempt, which was counted up to that many and could not be made."""
        ...
