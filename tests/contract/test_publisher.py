"""The Publisher port: one suite for the fake and for Apache Kafka."""

from collections.abc import AsyncIterator

import pytest

from ordersys.messaging.envelope import Acked, Refused
from tests.contract.kafka_worlds import World, fake_world, fetched, real_world, record, sure


@pytest.fixture
async def fake() -> AsyncIterator[World]:
    async with fake_world() as world:
        yield world


@pytest.fixture
async def real(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    prefix: str = request.getfixturevalue("topic_prefix")
    async with real_world(request.getfixturevalue("kafka_server").bootstrap_servers, prefix) as world:
        yield world


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(request.param)
    return chosen


async def test_nothing_to_publish_has_no_answers(world: World) -> None:
    assert list(await world.publisher.publish([])) == []


async def test_answers_come_in_the_order_of_the_records(world: World) -> None:
    keys = [f"order-{n % 7}" for n in range(100)]
    answers = await world.publisher.publish([record(world.topic, b"%d" % n, key=key) for n, key in enumerate(keys)])

    places = {(place.partition, place.offset): n for n, place in enumerate(map(sure, answers))}
    deliveries = await fetched(world.join(), 100)
    assert {places[delivery.partition, delivery.offset]: delivery.value for delivery in deliveries} == {
        n: b"%d" % n for n in range(100)
    }


async def test_records_of_one_key_go_to_one_partition_in_order(world: World) -> None:
    first = await world.publish(*"abc", key="order-1")
    second = await world.publish(*"de", key="order-1")

    assert {place.partition for place in (*first, *second)} == {first[0].partition}
    assert [place.offset for place in (*first, *second)] == [0, 1, 2, 3, 4]


async def test_keys_spread_over_the_partitions(world: World) -> None:
    answers = await world.publisher.publish([record(world.topic, b"", key=f"order-{n}") for n in range(200)])

    assert len({sure(answer).partition for answer in answers}) == 6


async def test_a_record_that_is_too_large_is_refused_for_good_and_alone(world: World) -> None:
    small, large = record(world.topic, b"small"), record(world.topic, b"x" * 1_100_000)

    answers = await world.publisher.publish([small, large, small])

    assert answers[1] == Refused(reason="msg_size_too_large", permanent=True)
    assert isinstance(answers[0], Acked)
    assert isinstance(answers[2], Acked)


async def test_an_unknown_topic_may_come_to_be(world: World) -> None:
    (answer,) = await world.publisher.publish([record(f"{world.topic}-unknown", b"")])

    assert isinstance(answer, Refused)
    assert answer.reason.startswith("unknown_topic")
    assert not answer.permanent


async def test_after_close_nothing_is_taken(world: World) -> None:
    await world.publisher.close()

    assert list(await world.publisher.publish([record(world.topic, b"")])) == [Refused(reason="producer_closed")]


async def test_closing_twice_is_closing_once(world: World) -> None:
    await world.publisher.close()
    await world.publisher.close()
