from collections.abc import Iterable
from dataclasses import dataclass, field

from ordersys.messaging.envelope import Delivery
from ordersys.messaging.inbox import Message


@dataclass(slots=True, kw_only=True)
class CrashLoopGuard:
    """Which messages are counted before they are handled: the first `limit` new ones of each assignment of a partition.

    A message that ends the process is among those: what a process had in hand when it ended was no more than a batch,
    and it comes again first of all. Later ones are spared the price of a transaction before each batch.
    """

    limit: int
    _handled: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def wanted(self, messages: Iterable[Message]) -> list[Message]:
        return [message for message in messages if self._count(message.delivery) < self.limit]

    def done(self, messages: Iterable[Message]) -> None:
        """These were counted and then handled, or left to later attempts."""
        for message in messages:
            delivery = message.delivery
            count = self._count(delivery) + 1
            self._handled[delivery.topic, delivery.partition] = delivery.assignment, count

    def _count(self, delivery: Delivery) -> int:
        assignment, count = self._handled.get((delivery.topic, delivery.partition), (delivery.assignment, 0))
        return count if assignment == delivery.assignment else 0
