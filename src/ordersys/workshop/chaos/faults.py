"""Deliberate faults, seeded. A fault point that is off costs one dictionary look-up.

docs/chaos.md says of each point what its strike looks like from outside and which guard absorbs it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

PUBLISH_DROP: Final = "publish.drop"
PUBLISH_ACK_LOST: Final = "publish.ack_lost"
PUBLISH_DUPLICATE: Final = "publish.duplicate"
PUBLISH_DELAY: Final = "publish.delay"
CONSUME_FAIL: Final = "consume.fail"
CONSUME_CRASH: Final = "consume.crash"
DATABASE_BLIP: Final = "database.blip"
GATEWAY_TIMEOUT: Final = "gateway.timeout"
AIRLINE_REJECT: Final = "airline.reject"
POINTS: Final = (
    PUBLISH_DROP,
    PUBLISH_ACK_LOST,
    PUBLISH_DUPLICATE,
    PUBLISH_DELAY,
    CONSUME_FAIL,
    CONSUME_CRASH,
    DATABASE_BLIP,
    GATEWAY_TIMEOUT,
    AIRLINE_REJECT,
)


class Faults(Protocol):
    def strikes(self, point: str) -> bool:
        """True when the fault point is to fail now; counted."""
        ...


@dataclass(slots=True, kw_only=True)
class SeededFaults:
    """Strikes at the rate (0..1) that was adopted last, else at the configured one.

    `draw` answers uniform numbers in [0, 1) for a point; `count` is told of each strike, and `struck` holds their sum.
    """

    configured: Mapping[str, float]
    draw: Callable[[str], float]
    count: Callable[[str], None]
    struck: Counter[str] = field(default_factory=Counter)
    _rates: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.adopt({})

    def adopt(self, rates: Mapping[str, float]) -> None:
        """From now on these rates hold; a point that is not named has its configured one again."""
        self._rates = {**self.configured, **rates}

    def rate(self, point: str) -> float:
        return self._rates.get(point, 0.0)

    def strikes(self, point: str) -> bool:
        rate = self._rates.get(point, 0.0)
        if rate <= 0.0 or self.draw(point) >= rate:
            return False
        self.struck[point] += 1
        self.count(point)
        return True
