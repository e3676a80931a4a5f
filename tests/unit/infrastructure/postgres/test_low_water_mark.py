from dataclasses import dataclass, field

import pytest

from ordersys.infrastructure.postgres.low_water_mark import (
    SILENT_SECONDS,
    SWEEP_RATIO,
    SWEEP_SECONDS,
    SWEEP_SECONDS_AT_MOST,
    LowWaterMark,
    PassObservation,
)

MINE = (1, 2)
STEP = 0.25


@dataclass(slots=True)
class Relay:
    """Passes over an outbox that only this test knows, a quarter of a second apart."""

    now: float = 100.0
    low_water_mark: LowWaterMark = field(init=False)

    def __post_init__(self) -> None:
        self.low_water_mark = LowWaterMark(ticker=lambda: self.now)

    def sees(
        self, lowest: int | None, *, running: int = 0, next_to_begin: int = 0, shards: tuple[int, ...] = MINE
    ) -> int:
        """`running`: the oldest transaction. Answers where the pass began."""
        begun_at = self.low_water_mark.below(shards)
        seen = (
            None
            if lowest is None
            else PassObservation(lowest=lowest, oldest_running=running, next_to_begin=next_to_begin)
        )
        self.low_water_mark.passed(shards, begun_at, seen)
        self.now += STEP
        return begun_at

    def looks(self, shards: tuple[int, ...] = MINE) -> int:
        return self.sees(None, shards=shards)


def risen(low_water_mark: int = 50) -> Relay:
    relay = Relay()
    relay.sees(low_water_mark, running=10, next_to_begin=10)
    relay.sees(low_water_mark + 10, running=11, next_to_begin=12)
    return relay


def test_the_first_pass_looks_at_everything() -> None:
    assert Relay().looks() == 0


def test_the_lowest_row_is_the_floor_when_no_earlier_transaction_is_left() -> None:
    relay = Relay()
    relay.sees(50, running=10, next_to_begin=12)
    relay.sees(60, running=12, next_to_begin=13)

    assert relay.looks() == 50


def test_a_transaction_that_may_commit_a_lower_id_keeps_the_floor_down() -> None:
    relay = Relay()
    relay.sees(50, running=10, next_to_begin=12)
    relay.sees(60, running=11, next_to_begin=13)

    assert relay.looks() == 0


def test_what_committed_late_is_the_floor() -> None:
    relay = Relay()
    relay.sees(50, running=10, next_to_begin=12)
    relay.sees(30, running=12, next_to_begin=13)

    assert relay.looks() == 30


def test_what_committed_late_is_remembered_until_the_others_have_ended() -> None:
    relay = Relay()
    relay.sees(50, running=10, next_to_begin=12)
    relay.sees(30, running=11, next_to_begin=13)
    relay.sees(60, running=12, next_to_begin=14)

    assert relay.looks() == 30


def test_a_row_that_comes_back_lowers_the_floor_at_once() -> None:
    relay = risen(50)
    relay.sees(40, running=11, next_to_begin=20)

    assert relay.looks() == 40


def test_a_pass_that_found_nothing_leaves_the_floor() -> None:
    relay = risen(50)

    assert [relay.looks() for _ in range(3)] == [50, 50, 50]


def test_everything_is_looked_at_once_in_a_while() -> None:
    relay = risen(50)

    begun = [relay.looks() for _ in range(int(SWEEP_SECONDS / STEP) + 1)]

    assert begun.count(0) == 1
    assert begun[-1] == 50


@pytest.mark.parametrize(
    ("took", "pause"), [(0.001, SWEEP_SECONDS), (0.1, SWEEP_RATIO * 0.1), (5.0, SWEEP_SECONDS_AT_MOST)]
)
def test_after_a_sweep_that_took_long_the_next_comes_later(took: float, pause: float) -> None:
    relay = risen(50)
    begun_at = relay.low_water_mark.below((*MINE, 3))
    relay.now += took
    relay.low_water_mark.passed((*MINE, 3), begun_at, None)

    begun = [relay.looks() for _ in range(int(pause / STEP) + 1)]

    assert (begun.count(0), begun[-1]) == (1, 0)


def test_a_new_shard_is_looked_at_as_a_whole() -> None:
    relay = risen(50)

    assert relay.looks((1,)) == 50
    assert relay.looks((1, 2)) == 0
    assert relay.looks((1, 2)) == 50


def test_after_a_silence_everything_is_looked_at() -> None:
    relay = risen(50)
    relay.now += SILENT_SECONDS

    assert relay.looks() == 0
    assert relay.looks() == 50


def test_a_sweep_that_failed_is_made_up_for() -> None:
    relay = risen(50)
    relay.now += SWEEP_SECONDS
    assert relay.low_water_mark.below(MINE) == 0

    assert relay.looks() == 0
