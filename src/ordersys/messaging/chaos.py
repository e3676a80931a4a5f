"""Deliberate faults, seeded. A fault point that is off costs one dictionary look-up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ordersys.messaging.envelope import Acked, Publisher, Record, Refused

PUBLISH_DROP: Final = "publish.drop"
GATEWAY_TIMEOUT: Final = "gateway.timeout"
AIRLINE_REJECT: Final = "airline.reject"
POINTS: Final = (
    PUBLISH_DROP,
    "publish.ack_lost",
    "publish.duplicate",
    "publish.delay",
    "consume.fail",
    "consume.crash",
    "database.blip",
    GATEWAY_TIMEOUT,
    AIRLINE_REJECT,
)


class Faults(Protocol):
    def strikes(self, point: str) -> bool:
        """True when the fault point is to fail now; counted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededFaults:
    """Strikes at `rates[point]` (0..1). `draw` answers uniform numbers in [0, 1); `count` is told of each strike."""

    rates: Mapping[str, float]
    draw: Callable[[], float]
    count: Callable[[str], None]

    def strikes(self, point: str) -> bool:
        rate = self.rates.get(point, 0.0)
        if rate <= 0.0 or self.draw() >= rate:
            return False
        self.count(point)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppingPublisher:
    """Loses records before they are sent, at the rate of `publish.drop`; the relay must notice and try again."""

    publisher: Publisher
    faults: Faults

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        kept = [record for record in records if not self.faults.strikes(PUBLISH_DROP)]
        if len(kept) == len(records):
            return await self.publisher.publish(records)
        answers = dict(zip(map(id, kept), await self.publisher.publish(kept) if kept else (), strict=True))
        dropped = Refused(reason=PUBLISH_DROP)
        return [answers.get(id(record), dropped) for record in records]
