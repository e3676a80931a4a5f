"""Dead letters: deliveries that a consumer failed to handle in all attempts, or could not decode."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.envelope import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A delivery that its consumer could not handle. The ids are None if it could not be decoded."""

    consumer: str
    event_id: EventId | None
    order_id: OrderId | None
    type: str | None
    delivery: Delivery
    attempts: int
    error: str


class DeadLetters(Protocol):
    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Stores them, and writes a record for each to the outbox, for the dead letter topic. A dead letter that exists
        already (same consumer, topic, partition, offset) is not stored again; one that was replayed and failed again
        becomes new again.
        """
        ...
