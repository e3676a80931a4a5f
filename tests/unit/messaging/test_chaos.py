import random
from itertools import count

import pytest

from ordersys.messaging.chaos import POINTS, PUBLISH_DROP, DroppingPublisher, SeededFaults
from ordersys.messaging.envelope import Acked, Record, Refused
from tests.fakes.messaging import ScriptedPublisher

DROPPED = Refused(reason=PUBLISH_DROP)


class Faults:
    """SeededFaults with what it has counted."""

    def __init__(self, rate: float, seed: int = 7) -> None:
        self.counted: list[str] = []
        self.faults = SeededFaults(
            rates={PUBLISH_DROP: rate}, draw=random.Random(seed).random, count=self.counted.append
        )

    def strikes(self, times: int, point: str = PUBLISH_DROP) -> list[bool]:
        return [self.faults.strikes(point) for _ in range(times)]


def records(number: int) -> list[Record]:
    return [Record(topic="orders", key=str(n).encode(), value=b"{}", headers=()) for n in range(number)]


def numbered() -> ScriptedPublisher:
    """Acknowledges each record with the number in its key as the offset."""
    return ScriptedPublisher(answer=lambda record: Acked(partition=0, offset=int(record.key)))


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

    def never() -> float:
        raise AssertionError("drawn")

    quiet = SeededFaults(rates={}, draw=never, count=faults.counted.append)

    assert not any(quiet.strikes(point) for point in POINTS)
    assert faults.counted == []


def test_each_strike_is_counted_once() -> None:
    faults = Faults(0.5)

    struck = sum(faults.strikes(100))

    assert faults.counted == [PUBLISH_DROP] * struck


async def test_a_dropped_record_is_not_sent_and_the_others_keep_their_answers() -> None:
    draws = count()
    faults = SeededFaults(rates={PUBLISH_DROP: 0.5}, draw=lambda: next(draws) % 2, count=lambda _: None)
    broker = numbered()

    answers = await DroppingPublisher(publisher=broker, faults=faults).publish(records(5))

    assert answers == [DROPPED, Acked(partition=0, offset=1), DROPPED, Acked(partition=0, offset=3), DROPPED]
    assert [[record.key for record in batch] for batch in broker.sent] == [[b"1", b"3"]]


async def test_a_drop_is_not_permanent() -> None:
    assert not DROPPED.permanent


async def test_when_all_is_dropped_the_broker_is_not_asked() -> None:
    broker = numbered()

    answers = await DroppingPublisher(publisher=broker, faults=Faults(1.0).faults).publish(records(3))

    assert answers == [DROPPED] * 3
    assert broker.sent == []


async def test_without_faults_everything_goes_through() -> None:
    broker = numbered()
    wanted = records(3)

    answers = await DroppingPublisher(publisher=broker, faults=Faults(0.0).faults).publish(wanted)

    assert answers == [Acked(partition=0, offset=n) for n in range(3)]
    assert broker.sent == [wanted]
