"""Where a pass over the outbox begins: above the rows that are gone, whose dead versions lie in the way as long as
anybody holds a snapshot.

Invariant: a row below the floor is parked, or held back by a parked one, or it will never be there. Ids are drawn
before their transactions commit, so the lowest row of a pass becomes the floor only after every transaction has ended
that was under way then: one of them may still commit a lower id, and its order's later events must not go first. A
full sweep every few seconds finds what the rule does not foresee: ids that went backwards with a restored database, or
a writer that drew an id as the very first thing that its transaction did.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

SWEEP_SECONDS: Final = 2.0
# So many times what the last one took, that sweeps cost no more than a fiftieth of the time; but within a minute.
SWEEP_RATIO: Final = 50
SWEEP_SECONDS_AT_MOST: Final = 60.0
# Who asks for nothing this long may have lost its leases in between, and others have worked on its rows: the shortest
# lease is a second, and it is renewed every third of itself.
SILENT_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PassObservation:
    """What a pass saw: its lowest row, the oldest transaction that was under way, and the next to begin."""

    lowest: int
    oldest_running: int
    next_to_begin: int


@dataclass(slots=True, kw_only=True)
class LowWaterMark:
    """One relay's. `ticker`: monotonic seconds."""

    ticker: Callable[[], float] = time.monotonic
    _lowest: int = 0
    _candidate: PassObservation | None = None
    _shards: frozenset[int] = frozenset()
    _sweep_at: float = float("-inf")
    _asked_at: float = float("-inf")
    _passed_at: float = float("-inf")

    def below(self, shards: Collection[int]) -> int:
        """The lowest id that a pass over these shards must look at."""
        now = self._asked_at = self.ticker()
        silent = now - self._passed_at > SILENT_SECONDS
        due = silent or now >= self._sweep_at or not self._shards.issuperset(shards)
        return 0 if due else self._lowest

    def passed(self, shards: Collection[int], begun_at: int, glimpse: PassObservation | None) -> None:
        """`begun_at` is what `below` answered; `glimpse` is None when nothing was due."""
        self._shards, self._passed_at = frozenset(shards), self.ticker()
        if begun_at == 0:
            took = self._passed_at - self._asked_at
            self._sweep_at = self._passed_at + min(max(SWEEP_SECONDS, SWEEP_RATIO * took), SWEEP_SECONDS_AT_MOST)
        if glimpse is not None:
            self._move(glimpse)

    def _move(self, seen: PassObservation) -> None:
        earlier = self._candidate
        if earlier is None or seen.oldest_running >= earlier.next_to_begin:
            self._lowest = min(earlier.lowest if earlier else self._lowest, seen.lowest)
            self._candidate = seen
        elif seen.lowest < earlier.lowest:
            self._lowest = min(self._lowest, seen.lowest)
            self._candidate = PassObservation(
                lowest=seen.lowest, oldest_running=earlier.oldest_running, next_to_begin=earlier.next_to_begin
            )
