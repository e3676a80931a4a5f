"""The plan of a load: which order is sent when. The same seed gives the same customers and payment methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlsplit

MOST_ORDERS: Final = 1_000_000
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BadPlan(Exception):
    """The requested load is invalid; the message gives the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """`due`: seconds after the start."""

    number: int
    due: float
    customer: str
    key: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`rate`: orders per second; times in seconds. `run`: prefix that distinguishes the keys and customers of a run."""

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
            raise BadPlan(f"Rate x duration is {self.rate * self.duration:g} orders; it must be 1 to {MOST_ORDERS}.")

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
    """Returns the address if it is on this machine. Raises BadPlan: another machine must be named explicitly."""
    if urlsplit(api).hostname not in LOOPBACK:
        raise BadPlan(f"{api} is not on this machine; to send load there, pass --api {api}.")
    return api
