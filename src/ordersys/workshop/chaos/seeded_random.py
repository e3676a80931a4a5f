"""Chance, seeded: what the fault points draw from."""

import random
from collections.abc import Collection
from time import time_ns


class SeededRandom:
    """Uniform numbers in [0, 1), of one generator per point: the rate of one point does not move another's strikes.

    The instance's name is part of the seed, or all processes would fail in step. For the points in `never_again` so is
    the moment of the start: a process that a strike has ended must not meet the very same strike in its next life.
    """

    def __init__(self, seed: int, name: str, never_again: Collection[str] = ()) -> None:
        self._seed = f"{seed}:{name}"
        self._never_again = never_again
        self._generators: dict[str, random.Random] = {}

    def __call__(self, point: str) -> float:
        generator = self._generators.get(point)
        if generator is None:
            life = time_ns() if point in self._never_again else 0
            generator = self._generators[point] = random.Random(f"{self._seed}:{point}:{life}")
        return generator.random()
