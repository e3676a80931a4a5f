"""The guard against crash loops: it counts first attempts in advance, so that a message that ends the process uses
them up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ordersys.messaging.envelope import Delivery
from ordersys.messaging.inbox import Message


@dataclass(slots=True, kw_only=True)
class CrashLoopGuard:
    """Chooses the messages whose first attempt is counted before they are handled: the first `limit` new ones after
    each assignment of a partition.

    A message that ends the process is among them: the process had at most one batch in progress, and that batch is
    redelivered first. Later messages are spared the extra transaction.
    """

    limit: int
    _handled: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def wanted(self, messages: Iterable[Message]) -> list[Message]:
        return [message for message in messages if self._count(message.delivery) < self.limit]

    def done(self, messages: Iterable[Message]) -> None:
        """Records messages that were counted and then handled, or stored for a later attempt."""
        for message in messages:
            delivery = message.delivery
            count = self._count(delivery) + 1
            self._handled[delivery.topic, delivery.partition] = delivery.assignment, count

    def _count(self, delivery: Delivery) -> int:
        assignment, count = self._handled.get((delivery.topic, delivery.partition), (delivery.assignment, 0))
        return count if assignment == delivery.assignment else 0
