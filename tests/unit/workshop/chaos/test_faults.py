import random

import pytest

from ordersys.workshop.chaos.faults import POINTS, PUBLISH_DROP, SeededFaults


class Faults:
    """SeededFaults with what it has counted."""

    def __init__(self, rate: float, seed: int = 7) -> None:
        dice = random.Random(seed)
        self.counted: list[str] = []
        self.faults = SeededFaults(
            configured={PUBLISH_DROP: rate}, draw=lambda _: dice.random(), count=self.counted.append
        )

    def strikes(self, times: int, point: str = PUBLISH_DROP) -> list[bool]:
        return [self.faults.strikes(point) for _ in range(times)]


def test_a_fault_strikes_at_its_rate() -> None:
    assert 1900 < sum(Faults(0.2).strikes(10_000)) < 2100


def test_the_same_seed_strikes_the_same_way() -> None:
    assert Faults(0.2, seed=1).strikes(100) == Faults(0.2, seed=1).strikes(100)
    assert Faults(0.2, seed=1).strikes(100) != Faults(0.2, seed=2).strikes(100)


@pytest.mark.parametrize(("rate", "strikes"), [(0.0, 0), (1.0, 50)])
def test_never_and_always_are_meant(rate: float, strikes: int) -> None:
    assert sum(Faults(rate).strikes(50)) == strikes


def test_a_point_without_a_rate_is_off_and_draws_nothing() -> None:
    faults = Faults(1.0)

    def never(_: str) -> float:
        raise AssertionError("drawn")

    quiet = SeededFaults(configured={}, draw=never, count=faults.counted.append)

    assert not any(quiet.strikes(point) for point in POINTS)
    assert faults.counted == []


def test_each_strike_is_counted_once() -> None:
    faults = Faults(0.5)

    struck = sum(faults.strikes(100))

    assert faults.counted == [PUBLISH_DROP] * struck
    assert faults.faults.struck == {PUBLISH_DROP: struck}


def test_an_adopted_rate_beats_the_configured_one_until_it_is_gone() -> None:
    faults = Faults(1.0)

    faults.faults.adopt({PUBLISH_DROP: 0.0})
    assert (sum(faults.strikes(50)), faults.faults.rate(PUBLISH_DROP)) == (0, 0.0)

    faults.faults.adopt({})
    assert (sum(faults.strikes(50)), faults.faults.rate(PUBLISH_DROP)) == (50, 1.0)


def test_adopting_the_rate_of_one_point_leaves_the_others_as_configured() -> None:
    faults = Faults(1.0)

    faults.faults.adopt({"consume.fail": 1.0})

    assert faults.strikes(1) == faults.strikes(1, "consume.fail") == [True]
