"""The retry queue: messages that a consumer stores to attempt them again.

States of a stored message, and the call on each transition (a message of an order waits for earlier ones of that
order):

    new message  --reserve_first_attempt-->  RESERVED    the first attempt is counted, and runs
    new message  --record_first_failure-->   WAITING     the first attempt failed
    new message  --enqueue-->                WAITING     queued without an attempt, behind an earlier message
    RESERVED     --remove_if_unchanged-->    (handled)   its effects are in the same transaction
    RESERVED     --record_first_failure-->   WAITING     until the next attempt is due
    WAITING      --claim_next_attempt-->     ATTEMPTING  the attempt is counted, and runs
    ATTEMPTING   --remove_if_unchanged-->    (handled), or (dead letter) after the last attempt
    ATTEMPTING   --record_failure-->         WAITING     until the next attempt is due
    RESERVED, ATTEMPTING  --uncount_attempts-->  WAITING  the attempt was not made: the database was unavailable

Invariant: an attempt is counted, and the count committed, before the handler runs. So a message that ends the process
has used an attempt. A process that was interrupted cannot touch a message that another one has attempted since:
`attempts` would have changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.envelope import Delivery

WAITS: Final = "waits for an earlier event of its order"
NO_OUTCOME: Final = "no outcome: the attempt is in progress, or the process ended during it"


class RetryableMessage(Protocol):
    """The part of a message that the retry queue stores."""

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
    """A stored message. `attempts`: the number of counted attempts. `error`: the outcome of the last one."""

    event_id: EventId
    order_id: OrderId
    type: str
    delivery: Delivery
    attempts: int = 0
    error: str = WAITS


class RetryQueue(Protocol):
    """The stored messages of all consumers. Delays are in seconds."""

    async def reserve_first_attempt(
        self, consumer: str, messages: Sequence[RetryableMessage], delay: float
    ) -> set[EventId]:
        """Stores messages that are about to be handled for the first time, with one attempt counted; the next attempt
        is due after `delay`. Returns the stored ones: not those that were handled, are dead letters, are stored
        already, or must wait for a stored message of their order.
        """
        ...

    async def lock_if_unchanged(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        """Locks the messages that still have this number of attempts until the transaction ends. Returns them."""
        ...

    async def remove_if_unchanged(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        """Removes the messages that still have this number of attempts. Returns them."""
        ...

    async def enqueue(self, consumer: str, messages: Sequence[RetryableMessage]) -> set[EventId]:
        """Stores messages without an attempt, due as soon as they are the oldest of their order. Returns the stored
        ones: not those that were handled, are dead letters or are stored already.
        """
        ...

    async def record_first_failure(self, consumer: str, message: RetryableMessage, error: str, delay: float) -> None:
        """Stores a message whose first attempt failed, with that attempt counted. The next one is due after `delay`."""
        ...

    async def claim_next_attempt(self, consumer: str, delays: Sequence[float]) -> QueuedMessage | None:
        """Counts an attempt of one due message, and schedules the one after it: `delays[n - 1]` after attempt n; the
        last delay repeats. Returns the message, or None if none is due.
        """
        ...

    async def record_failure(self, consumer: str, event_id: EventId, attempts: int, error: str, delay: float) -> None:
        """Stores the error of that attempt and the time of the next, unless another process has counted one since."""
        ...

    async def uncount_attempts(self, consumer: str, attempts: Mapping[EventId, int]) -> None:
        """Uncounts one attempt of each message, counted up to that number, which was not made."""
        ...
