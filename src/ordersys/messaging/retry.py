"""What becomes of a message whose handling failed. Until the durable retries come, it goes straight to the dead
letters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.envelope import Delivery


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
        """Keeps them; one that is kept already (same consumer, topic, partition, offset) is not kept twice."""
        ...
