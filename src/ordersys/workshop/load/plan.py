"""What will be sent and when. The same seed draws the same customers and payment methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlsplit

MOST_ORDERS: Final = 1_000_000
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BadPlan(Exception):
    """The load asked for is refused; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """`due` is in seconds after the start."""

    number: int
    due: float
    customer: str
    key: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`rate` is in orders per second, times are in seconds. `run` sets the keys and customers of a run apart."""

    rate: float
    duration: float
    run: str
    flights: int = 20
    customers: int = 20
    methods: Sequence[str] = ("pm_ok",)
    seed: int = 0
    retry_for: float = 60
    follow_for: float = 120

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_ORDERS:
            raise BadPlan(f"rate x duration is {self.rate * self.duration:g} orders: it must be 1 to {MOST_ORDERS}")

    @property
    def count(self) -> int:
        return round(self.rate * self.duration)

    def orders(self) -> Iterator[PlannedOrder]:
        chance = Random(self.seed)
        for number in range(self.count):
            yield PlannedOrder(
                number=number,
                due=number / self.rate,
                customer=f"load-{self.run}-{chance.randrange(self.customers)}",
                key=f"load-{self.run}-{number}",
                method=chance.choice(self.methods),
            )


def loopback_only(api: str) -> str:
    """Load is aimed at another machine only when somebody names it. Raises BadPlan."""
    if urlsplit(api).hostname not in LOOPBACK:
        raise BadPlan(f"{api} is not this machine: say --api {api} if you mean it")
    return api
