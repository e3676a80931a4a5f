"""The group member when brokers, members and the database come and go."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from confluent_kafka.cimpl import KafkaError
from structlog.testing import capture_logs

from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka.stream import KafkaStream, MemberLost
from tests.architecture.places import ROOT
from tests.contract.kafka_worlds import World, fetched, real_world, record, start_again, until, values
from tests.integration.librdkafka import OFFSET_COMMIT, mock_cluster, produce
from tests.servers import KafkaServer

Join = Callable[..., KafkaStream]
SESSION_SECONDS = 6  # the least that brokers allow by default
DOOMED = """
import asyncio, sys
from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka.stream import KafkaStream

async def main(servers, topic, group, instance):
    kafka = KafkaSettings(bootstrap_servers=servers, static_membership=True)
    stream = KafkaStream(kafka, group=group, topics=[topic], instance=instance)
    while True:
        if await stream.fetch():
            print("fetched", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""
# Dies while it gives partitions away, in the middle of a rebalance.
DIES_GIVING = (
    """
import os
from ordersys.infrastructure.kafka.stream import KafkaStream

def die(self, consumer, partitions):
    os._exit(9)

KafkaStream._on_revoke = die
"""
    + DOOMED
)


@pytest.fixture
async def world(kafka_server: KafkaServer, topic_prefix: str) -> AsyncIterator[World]:
    async with real_world(kafka_server.bootstrap_servers, topic_prefix) as world:
        yield world


@pytest.fixture
async def join(kafka_server: KafkaServer, world: World) -> AsyncIterator[Join]:
    """Members with topics and settings of their own: static_membership, instance, max_poll_seconds."""
    async with AsyncExitStack() as exits:

        def join(
            *topics: str, static: bool = False, instance: str = "test", max_poll_seconds: float = 60
        ) -> KafkaStream:
            kafka = KafkaSettings(
                bootstrap_servers=kafka_server.bootstrap_servers,
                static_membership=static,
                session_timeout_seconds=SESSION_SECONDS,
                batch_size=50,
            )
            stream = KafkaStream(
                kafka,
                group=world.group,
                topics=topics or [world.topic],
                instance=instance,
                max_poll_seconds=max_poll_seconds,
            )
            exits.push_async_callback(stream.close)
            return stream

        yield join


async def test_a_lone_record_is_fetched_at_once(world: World, join: Join) -> None:
    stream = join()
    await world.publish("first")
    await fetched(stream, 1)
    waits = []
    for n in range(20):
        fetching = asyncio.ensure_future(fetched(stream, 1))
        started = time.perf_counter()
        await world.publish(str(n))
        await fetching
        waits.append(time.perf_counter() - started)

    assert sorted(waits)[10] < 1


async def test_a_static_member_that_comes_back_with_other_topics_is_given_them(world: World, join: Join) -> None:
    """As after an update of the program. Its group knows its name, and gives it what it had without a look at what it
    asks for.
    """
    stream = join(static=True)
    await world.publish("before")
    assert values(await fetched(stream, 1, commit=True)) == ["before"]
    await stream.close()

    other = world.topic.replace("orders", "payments")
    stream = join(world.topic, other, static=True)
    await world.publisher.publish([record(other, b"there"), record(world.topic, b"here")])

    assert sorted(values(await fetched(stream, 2))) == ["here", "there"]


async def test_a_killed_broker_means_empty_fetches_and_then_it_goes_on(
    world: World, join: Join, kafka_server: KafkaServer
) -> None:
    stream = join()
    await world.publish("a")
    before = await fetched(stream, 1)

    async def comes() -> bool:
        """What was committed while the broker was away may come again, when that took longer than the session."""
        return "b" in values(await stream.fetch())

    with capture_logs() as logs:
        kafka_server.kill()
        await _connected(stream, False)
        await stream.commit(before)
        await asyncio.gather(start_again(kafka_server), _connected(stream, True))
        await world.publish("b")
        await until(comes)

    said = Counter(entry["action"] for entry in logs if str(entry.get("client", "")).startswith(world.group))
    assert said == {"kafka.lost": 1, "kafka.back": 1}


async def test_a_commit_that_failed_is_made_good(caplog: pytest.LogCaptureFixture) -> None:
    with mock_cluster() as cluster:
        cluster.add_topic("orders")
        produce(cluster.bootstrap_servers, "orders", b"a", b"name")
        kafka = KafkaSettings(bootstrap_servers=cluster.bootstrap_servers)
        stream = KafkaStream(kafka, group="g", topics=["orders"], instance="test")
        before = await fetched(stream, 1)
        cluster.fail_next(OFFSET_COMMIT, KafkaError.OFFSET_METADATA_TOO_LARGE)

        async def failed() -> bool:
            await stream.fetch()
            return "[g consumer] Broker: Offset metadata string too large" in caplog.text

        async def saved() -> bool:
            await stream.fetch()
            return not stream._owned.unsaved()

        await stream.commit(before)
        await until(failed)
        assert stream._owned.unsaved() == {("orders", 0): 1}
        await until(saved)
        await stream.close()


async def test_a_hold_keeps_the_membership_for_as_long_as_it_takes(world: World, join: Join) -> None:
    stream = join(max_poll_seconds=SESSION_SECONDS)
    await world.publish_to_each_partition(1)
    before = await fetched(stream, 6)
    await world.publish("meanwhile")
    until = time.monotonic() + SESSION_SECONDS + 1.5
    while time.monotonic() < until:
        await stream.hold()

    assert all(stream.owns(delivery) for delivery in before)
    assert values(await fetched(stream, 1)) == ["meanwhile"]
    assert all(stream.owns(delivery) for delivery in before)


async def test_partitions_that_come_during_a_hold_are_held_too(world: World, join: Join) -> None:
    await world.publish_to_each_partition(10)
    stream = join()
    await held_until_it_has(stream, 6)
    for _ in range(10):
        await stream.hold()

    assert stream._fetched == []
    assert len(await fetched(stream, 60)) == 60


async def test_partitions_that_come_during_a_hold_are_read_however_soon_it_ends(world: World, join: Join) -> None:
    """They begin at committed offsets, which takes the client a moment to find."""
    await world.publish_to_each_partition(1)
    earlier = join()
    await fetched(earlier, 6, commit=True)
    await earlier.close()
    await world.publish_to_each_partition(1)
    stream = join()
    await held_until_it_has(stream, 6)

    assert len(await fetched(stream, 6)) == 6


async def test_a_member_that_holds_goes_on_with_what_a_rebalance_leaves_it(world: World, join: Join) -> None:
    """At once, when the hold ends."""
    await world.publish_to_each_partition(1)
    first = join(instance="first")
    before = await fetched(first, 6)
    await first.commit(before)
    await world.publish_to_each_partition(1)
    others = asyncio.create_task(partitions_read(join(instance="second"), 3))
    await held_until_it_has(first, 3)

    assert not any(first.owns(delivery) for delivery in before)
    assert (await partitions_read(first, 3)).isdisjoint(await others)


async def held_until_it_has(stream: KafkaStream, partitions: int) -> None:
    async def has() -> bool:
        await stream.hold()
        return stream.partitions == partitions

    await until(has)


async def partitions_read(stream: KafkaStream, count: int) -> set[int]:
    read: set[int] = set()

    async def all_read() -> bool:
        read.update(delivery.partition for delivery in await stream.fetch())
        return len(read) >= count

    await until(all_read)
    return read


async def test_the_successor_of_a_killed_static_member_goes_on_at_once(
    world: World, join: Join, kafka_server: KafkaServer
) -> None:
    await world.publish("a")
    async with _process(DOOMED, kafka_server, world, "worker-1"):
        pass

    started = time.monotonic()
    stream = join(static=True, instance="worker-1")
    assert values(await fetched(stream, 1)) == ["a"]

    assert time.monotonic() - started < 2


async def test_no_partition_is_forgotten_when_a_static_member_dies_in_the_middle_of_a_rebalance(
    kafka_server: KafkaServer, world: World, join: Join
) -> None:
    await world.publish("before")
    async with _process(DIES_GIVING, kafka_server, world, "a") as first:
        second = join(static=True, instance="b")

        async def died() -> bool:
            await second.fetch()
            return first.poll() == 9

        await until(died)

    successor = join(static=True, instance="a")

    async def shared() -> bool:
        await asyncio.gather(successor.fetch(), second.fetch())
        return (successor.partitions, second.partitions) == (3, 3)

    await until(shared, within=4 * SESSION_SECONDS)


async def test_two_processes_under_one_static_name_cannot_both_stay(world: World, join: Join) -> None:
    first = join(static=True, instance="worker-1")
    await world.publish("a")
    await fetched(first, 1)
    second = join(static=True, instance="worker-1")
    await fetched(second, 1)

    async def goes_on() -> bool:
        return bool(await first.fetch())

    with pytest.raises(MemberLost, match="instance"):
        await until(goes_on)


async def test_a_dynamic_member_hands_over_when_it_closes(world: World, join: Join) -> None:
    first, second = join(), join()

    async def shared() -> bool:
        await asyncio.gather(first.fetch(), second.fetch())
        return (first.partitions, second.partitions) == (3, 3)

    async def alone() -> bool:
        await second.fetch()
        return second.partitions == 6

    await until(shared)
    await first.close()
    await until(alone)


async def test_lag_counts_from_what_is_committed(world: World, join: Join) -> None:
    stream = join()
    await world.publish_to_each_partition(10)
    deliveries = await fetched(stream, 60)

    async def behind(expected: int) -> bool:
        await stream.fetch()
        return sum(stream.lag().values()) == expected and len(stream.lag()) == 6

    async def all_behind() -> bool:
        return await behind(60)

    async def one_partition_ahead() -> bool:
        return await behind(50)

    await until(all_behind)
    await stream.commit([delivery for delivery in deliveries if delivery.partition == 3])
    await until(one_partition_ahead)


async def test_a_foreign_record_with_an_unreadable_header_does_not_stop_the_stream(
    world: World, join: Join, kafka_server: KafkaServer
) -> None:
    await asyncio.to_thread(produce, kafka_server.bootstrap_servers, world.topic, b"alien", b"bad\xff\xfe")

    (delivery,) = await fetched(join(), 1)

    assert (delivery.value, dict(delivery.headers)) == (b"alien", {})


async def test_without_a_broker_every_call_is_bounded() -> None:
    stream = KafkaStream(KafkaSettings(bootstrap_servers="127.0.0.1:1"), group="g", topics=["t"], instance="test")
    async with asyncio.timeout(5):
        assert list(await stream.fetch()) == []
        await stream.hold()
        await stream.commit([])
        await stream.close(deadline=1)

    assert not stream.connected


async def test_the_event_loop_is_never_held_up(world: World, join: Join) -> None:
    stream = join()
    ticks = 0
    fetching = asyncio.ensure_future(stream.fetch())
    while not fetching.done():
        await asyncio.sleep(0)
        ticks += 1

    assert ticks > 100


async def _connected(stream: KafkaStream, wanted: bool) -> None:
    async def reached() -> bool:
        await stream.fetch()
        return stream.connected is wanted

    await until(reached)


@asynccontextmanager
async def _process(
    script: str, kafka: KafkaServer, world: World, instance: str
) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """A member of its own process that has fetched something; killed in the end."""
    arguments = [kafka.bootstrap_servers, world.topic, world.group, instance]
    member = subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert member.stdout
        assert await asyncio.to_thread(member.stdout.readline) == b"fetched\n"
        yield member
    finally:
        member.kill()
        member.communicate()
