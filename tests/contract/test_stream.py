"""The Stream port: one suite for the fake and for Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from ordersys.messaging.envelope import Delivery
from tests.contract.kafka_worlds import World, fake_world, fetched, kept_in_group, real_world, record, values


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


async def test_an_idle_fetch_answers_empty_soon(world: World) -> None:
    stream = world.join()
    async with asyncio.timeout(2):
        assert list(await stream.fetch()) == []


async def test_a_record_comes_as_it_was_published(world: World) -> None:
    headers = (("ce_id", b"1"), ("traceparent", b""), ("note", "да".encode()))
    await world.publisher.publish([record(world.topic, b'{"a": 1}', key="order-1", headers=headers)])

    (delivery,) = await fetched(world.join(), 1)

    assert (delivery.topic, delivery.offset, delivery.key) == (world.topic, 0, b"order-1")
    assert delivery.value == b'{"a": 1}'
    assert dict(delivery.headers) == dict(headers)


async def test_a_record_without_value_and_headers_comes_without(world: World) -> None:
    await world.publisher.publish([record(world.topic, None)])

    (delivery,) = await fetched(world.join(), 1)

    assert delivery.value is None
    assert dict(delivery.headers) == {}


async def test_each_key_keeps_its_order_over_many_batches(world: World) -> None:
    numbers = [(f"order-{n % 10}", str(n)) for n in range(300)]
    await world.publisher.publish([record(world.topic, value.encode(), key=key) for key, value in numbers])

    deliveries = await fetched(world.join(), 300, commit=True)

    for key in {key for key, _ in numbers}:
        come = [delivery for delivery in deliveries if delivery.key == key.encode()]
        assert values(come) == [value for other, value in numbers if other == key]


async def test_a_batch_is_no_larger_than_configured(world: World) -> None:
    await world.publish(*(str(n) for n in range(180)))
    stream = world.join()
    sizes: list[int] = []

    async with asyncio.timeout(20):
        while sum(sizes) < 180:
            sizes.append(len(await stream.fetch()))

    assert max(sizes) == 50


async def test_a_new_member_goes_on_behind_what_was_committed(world: World) -> None:
    first = world.join()
    await world.publish("a", "b", "c")
    deliveries = await fetched(first, 3)
    await first.commit(deliveries[:2])
    await first.close()

    assert values(await fetched(world.join(), 1)) == ["c"]


async def test_what_was_not_committed_comes_again(world: World) -> None:
    first = world.join()
    await world.publish("a", "b")
    await fetched(first, 2)
    await first.close()

    assert values(await fetched(world.join(), 2)) == ["a", "b"]


async def test_offsets_never_go_back(world: World) -> None:
    first = world.join()
    await world.publish("a", "b", "c")
    deliveries = await fetched(first, 3)
    await first.commit(deliveries)
    await first.commit(deliveries[:1])
    await first.close()
    await world.publish("d")

    assert values(await fetched(world.join(), 1)) == ["d"]


async def test_groups_do_not_share(world: World) -> None:
    await world.publish("a")
    await fetched(world.join(), 1, commit=True)
    world.group += "-other"

    assert values(await fetched(world.join(), 1)) == ["a"]


async def test_members_share_the_partitions_and_what_was_not_committed_comes_again(world: World) -> None:
    first = world.join()
    await world.publish_to_each_partition(10)
    before = await fetched(first, 60)
    assert all(first.owns(delivery) for delivery in before)

    second = world.join()
    async with kept_in_group(first, 30) as kept:
        moved = await fetched(second, 30)

    assert sorted({delivery.partition for delivery in kept} | {delivery.partition for delivery in moved}) == [*range(6)]
    assert all(first.owns(delivery) and not second.owns(delivery) for delivery in kept)
    assert all(second.owns(delivery) and not first.owns(delivery) for delivery in moved)
    assert not any(member.owns(delivery) for delivery in before for member in (first, second))


async def test_what_was_committed_does_not_come_again_when_another_joins(world: World) -> None:
    first = world.join()
    await world.publish_to_each_partition(10)
    await fetched(first, 60, commit=True)
    second = world.join()
    await world.publish_to_each_partition(1)
    async with kept_in_group(first, 0) as kept:
        moved = await fetched(second, 3)

    assert {delivery.offset for delivery in (*kept, *moved)} == {10}


async def test_a_commit_from_before_a_rebalance_changes_nothing(world: World) -> None:
    first = world.join()
    await world.publish_to_each_partition(10)
    before = await fetched(first, 60)
    second = world.join()
    async with kept_in_group(first, 30):
        await fetched(second, 30)
    await first.commit(before)
    await first.close()
    await second.close()

    assert len(await fetched(world.join(), 60)) == 60


async def test_a_partition_lost_and_given_back_does_not_revive_old_deliveries(world: World) -> None:
    first = world.join()
    await world.publish_to_each_partition(10)
    before = await fetched(first, 60)
    second = world.join()
    async with kept_in_group(first, 30):
        await fetched(second, 30)
    await second.close()

    again = await fetched(first, 60)

    assert all(first.owns(delivery) for delivery in again)
    assert not any(first.owns(delivery) for delivery in before)


async def test_a_delivery_from_elsewhere_is_not_owned(world: World) -> None:
    await world.publish("a")
    stream = world.join()
    (delivery,) = await fetched(stream, 1)

    assert not stream.owns(replace(delivery, assignment=0))
    assert not stream.owns(replace(delivery, partition=delivery.partition + 1))


async def test_a_cancelled_fetch_loses_nothing(world: World) -> None:
    await world.publish("a", "b", "c")
    stream = world.join()
    come: list[Delivery] = []
    async with asyncio.timeout(20):
        while len(come) < 3:
            fetching = asyncio.ensure_future(stream.fetch())
            await asyncio.sleep(0)
            fetching.cancel()
            with suppress(asyncio.CancelledError):
                come += await fetching
            come += await stream.fetch()

    assert values(come) == ["a", "b", "c"]


async def test_after_a_hold_the_stream_goes_on_where_it_was(world: World) -> None:
    stream = world.join()
    await world.publish(*(str(n) for n in range(120)))
    before = await fetched(stream, 50)
    for _ in range(3):
        await stream.hold()
    await world.publish("last")

    after = await fetched(stream, 71)

    assert all(stream.owns(delivery) for delivery in before)
    assert values(before + after) == [*(str(n) for n in range(120)), "last"]


async def test_closing_twice_is_closing_once(world: World) -> None:
    stream = world.join()
    await stream.close()
    await stream.close()
