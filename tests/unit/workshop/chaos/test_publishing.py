"""Each fault between relay and broker bites, and behind the relay nothing is lost, doubled in effect, or out of
order.
"""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from ordersys.messaging.envelope import Acked, Publisher, Record, Refused
from ordersys.messaging.outbox import Outbox
from ordersys.messaging.relay import Relay, RelayTuning
from ordersys.workshop.chaos.faults import (
    PUBLISH_ACK_LOST,
    PUBLISH_DELAY,
    PUBLISH_DROP,
    PUBLISH_DUPLICATE,
    Faults,
    SeededFaults,
)
from ordersys.workshop.chaos.publishing import (
    AckLosingPublisher,
    DelayingPublisher,
    DroppingPublisher,
    DuplicatingPublisher,
    faulty_publisher,
)
from ordersys.workshop.chaos.seeded_random import SeededRandom
from tests.fakes.chaos import ScriptedFaults
from tests.fakes.clock import FakeClock
from tests.fakes.making import outgoing
from tests.fakes.memory import Changes
from tests.fakes.messaging import (
    FakeMeter,
    FakeOutbox,
    FakeOutboxQueue,
    FakeShardLeases,
    MessagingTables,
    ScriptedPublisher,
)
from tests.waiting import eventually

NONE = ScriptedFaults(point="none")
Wrap = Callable[[Publisher, Faults], Publisher]
WRAPPERS: dict[str, Wrap] = {
    PUBLISH_DROP: lambda publisher, faults: DroppingPublisher(publisher=publisher, faults=faults),
    PUBLISH_ACK_LOST: lambda publisher, faults: AckLosingPublisher(publisher=publisher, faults=faults),
    PUBLISH_DUPLICATE: lambda publisher, faults: DuplicatingPublisher(publisher=publisher, faults=faults),
    PUBLISH_DELAY: lambda publisher, faults: DelayingPublisher(publisher=publisher, faults=faults, pause=at_once),
}


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def records(*keys: str) -> list[Record]:
    return [Record(topic="orders", key=key.encode(), value=b"%d" % n, headers=()) for n, key in enumerate(keys)]


def numbered() -> ScriptedPublisher:
    """Acknowledges each record with the number in its value as the offset."""
    return ScriptedPublisher(answer=lambda record: Acked(partition=0, offset=int(record.value or b"")))


def acked(*numbers: int) -> list[Acked]:
    return [Acked(partition=0, offset=number) for number in numbers]


def sent(broker: ScriptedPublisher) -> list[list[int]]:
    return [[int(record.value or b"") for record in batch] for batch in broker.sent]


@pytest.mark.parametrize("point", WRAPPERS)
async def test_a_point_that_does_not_strike_changes_nothing(point: str) -> None:
    broker, wanted = numbered(), records("a", "b", "a")

    assert list(await WRAPPERS[point](broker, NONE).publish(wanted)) == acked(0, 1, 2)
    assert broker.sent == [wanted]


@pytest.mark.parametrize("point", WRAPPERS)
async def test_nothing_to_publish_has_no_answers(point: str) -> None:
    assert list(await WRAPPERS[point](numbered(), ScriptedFaults(point=point)).publish([])) == []


async def test_a_dropped_record_is_not_sent_and_the_others_keep_their_answers() -> None:
    broker, faults = numbered(), ScriptedFaults(point=PUBLISH_DROP, at={0, 2})

    answers = await DroppingPublisher(publisher=broker, faults=faults).publish(records("a", "b", "c", "d"))

    assert answers == [Refused(reason=PUBLISH_DROP), *acked(1), Refused(reason=PUBLISH_DROP), *acked(3)]
    assert sent(broker) == [[1, 3]]


async def test_one_record_given_twice_is_two_records() -> None:
    broker, (twice,) = numbered(), records("a")
    faults = ScriptedFaults(point=PUBLISH_DROP, at={0})

    answers = await DroppingPublisher(publisher=broker, faults=faults).publish([twice, twice])

    assert answers == [Refused(reason=PUBLISH_DROP), *acked(0)]


async def test_when_all_is_dropped_the_broker_is_not_asked() -> None:
    broker, faults = numbered(), ScriptedFaults(point=PUBLISH_DROP)

    answers = await DroppingPublisher(publisher=broker, faults=faults).publish(records("a", "b"))

    assert answers == [Refused(reason=PUBLISH_DROP)] * 2
    assert broker.sent == []


async def test_a_lost_acknowledgement_is_of_a_record_that_was_sent() -> None:
    broker, faults = numbered(), ScriptedFaults(point=PUBLISH_ACK_LOST, at={1})

    answers = await AckLosingPublisher(publisher=broker, faults=faults).publish(records("a", "b", "c"))

    assert answers == [*acked(0), Refused(reason=PUBLISH_ACK_LOST), *acked(2)]
    assert sent(broker) == [[0, 1, 2]]


async def test_a_refusal_stays_the_brokers_own() -> None:
    too_large = Refused(reason="msg_size_too_large", permanent=True)
    faults = ScriptedFaults(point=PUBLISH_ACK_LOST)

    answers = await AckLosingPublisher(publisher=ScriptedPublisher(answer=lambda _: too_large), faults=faults).publish(
        records("a")
    )

    assert answers == [too_large]
    assert faults.struck == 0


async def test_a_duplicate_goes_right_behind_its_first_and_has_no_answer_of_its_own() -> None:
    broker, faults = numbered(), ScriptedFaults(point=PUBLISH_DUPLICATE, at={0, 2})

    answers = await DuplicatingPublisher(publisher=broker, faults=faults).publish(records("a", "b", "a"))

    assert answers == acked(0, 1, 2)
    assert sent(broker) == [[0, 0, 1, 2, 2]]


async def test_a_delayed_record_is_overtaken_by_other_keys_and_holds_back_its_own() -> None:
    broker, faults = numbered(), ScriptedFaults(point=PUBLISH_DELAY, at={1})
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        await eventually(lambda: broker.sent)

    delaying = DelayingPublisher(publisher=broker, faults=faults, seconds=0.3, pause=pause)
    answers = await delaying.publish(records("a", "b", "c", "b", "a"))

    assert answers == acked(0, 1, 2, 3, 4)
    assert sent(broker) == [[0, 2, 4], [1, 3]]
    assert paused == [0.3]


async def test_when_all_are_delayed_they_go_in_one_piece() -> None:
    broker, faults = numbered(), ScriptedFaults(point=PUBLISH_DELAY)

    await DelayingPublisher(publisher=broker, faults=faults, pause=at_once).publish(records("a", "b"))

    assert sent(broker) == [[0, 1]]


@pytest.mark.parametrize("point", WRAPPERS)
async def test_the_whole_chain_has_each_point(point: str) -> None:
    faults = ScriptedFaults(point=point, at={0})

    await faulty_publisher(numbered(), faults).publish(records("a", "b"))

    assert faults.struck == 1


async def test_no_point_is_permanent() -> None:
    for point in (PUBLISH_DROP, PUBLISH_ACK_LOST):
        answers: Sequence[Acked | Refused] = await faulty_publisher(numbered(), ScriptedFaults(point=point)).publish(
            records("a")
        )
        assert [isinstance(answer, Refused) and not answer.permanent for answer in answers] == [True]


@pytest.mark.parametrize("point", WRAPPERS)
async def test_behind_the_relay_every_event_arrives_in_the_order_of_its_key(point: str) -> None:
    """Half of all records are struck; what is sent again and what is sent twice is a copy, never news."""
    tables, clock, broker = MessagingTables(), FakeClock(), ScriptedPublisher()
    faults = SeededFaults(configured={point: 0.5}, draw=SeededRandom(1, "worker"), count=lambda _: None)
    changes = Changes()
    outbox: Outbox = FakeOutbox(tables=tables, changes=changes)
    await outbox.append([outgoing(number, order=number % 5) for number in range(40)])
    changes.commit()
    relay = Relay(
        queue=FakeOutboxQueue(tables=tables, ticker=clock),
        leases=FakeShardLeases(tables=tables, ticker=clock, owner="worker"),
        publisher=WRAPPERS[point](broker, faults),
        meter=FakeMeter(),
        ticker=clock,
        tuning=RelayTuning(batch_size=10, lease_seconds=5, retry_delays=(0.05,), topic_prefix="test."),
    )

    while tables.outbox.rows:
        await relay.run_once()
        clock.advance(0.1)

    assert faults.struck[point] > 5
    assert arrivals(broker) == {order: list(range(order, 40, 5)) for order in range(5)}


def arrivals(broker: ScriptedPublisher) -> dict[int, list[int]]:
    """The events by order, each where its first copy came."""
    found: dict[int, list[int]] = {}
    for record in (record for batch in broker.sent for record in batch):
        number = UUID(dict(record.headers)["ce_id"].decode()).int & 0xFFFF
        events = found.setdefault(UUID((record.key or b"").decode()).int & 0xFFFF, [])
        events.extend([number] if number not in events else [])
    return found
