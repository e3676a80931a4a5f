"""The publisher when Apache Kafka misbehaves."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaError, NewTopic, murmur2
from structlog.testing import capture_logs

from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka import workarounds
from ordersys.infrastructure.kafka.producer import KafkaPublisher
from ordersys.messaging.envelope import Acked, Refused
from tests.contract.kafka_worlds import World, real_world, record, start_again, sure, until, values
from tests.integration.librdkafka import PRODUCE, mock_cluster
from tests.servers import KafkaServer
from tests.waiting import eventually

NOBODY = "127.0.0.1:1"


@pytest.fixture
async def world(kafka_server: KafkaServer, topic_prefix: str) -> AsyncIterator[World]:
    async with real_world(kafka_server.bootstrap_servers, topic_prefix) as world:
        yield world


@pytest.fixture
async def publisher(kafka_server: KafkaServer) -> AsyncIterator[KafkaPublisher]:
    """One that loses patience soon."""
    kafka = KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, message_timeout_seconds=1)
    publisher = KafkaPublisher(kafka, name="test")
    yield publisher
    await publisher.close()


async def test_partitions_are_those_of_java_clients(world: World) -> None:
    keys = [f"order-{n}" for n in range(20)]
    answers = await world.publisher.publish([record(world.topic, b"", key=key) for key in keys])

    assert [sure(answer).partition for answer in answers] == [murmur2(key.encode(), 6) for key in keys]


async def test_a_topic_with_a_low_limit_refuses_only_the_large_record(world: World, kafka_server: KafkaServer) -> None:
    topic = f"{world.topic}-low"
    _create(kafka_server, topic, {"max.message.bytes": "3000"})
    sizes = [10] * 20 + [5000] + [10] * 20
    records = [record(topic, os.urandom(size)) for size in sizes]

    answers = await world.publisher.publish(records)

    assert [n for n, answer in enumerate(answers) if isinstance(answer, Refused)] == [20]
    assert answers[20] == Refused(reason="msg_size_too_large", permanent=True)


async def test_a_killed_broker_costs_refusals_and_then_it_goes_on(
    kafka_server: KafkaServer, topic_prefix: str, publisher: KafkaPublisher
) -> None:
    records = [record(f"{topic_prefix}orders", b"x")]

    async def accepted() -> bool:
        return isinstance((await publisher.publish(records))[0], Acked)

    with capture_logs() as logs:
        assert await publisher.warm_up()
        kafka_server.kill()
        refusals = [await publisher.publish(records) for _ in range(3)]
        await eventually(lambda: not publisher.connected)
        await asyncio.gather(start_again(kafka_server), until(accepted))

    assert all(isinstance(refused, Refused) and not refused.permanent for (refused,) in refusals)
    assert publisher.connected
    said = Counter(entry["action"] for entry in logs if entry.get("client") == "test producer")
    assert said == {"kafka.lost": 1, "kafka.back": 1}


async def test_nothing_acknowledged_is_lost_when_a_broker_freezes(
    world: World, kafka_server: KafkaServer, publisher: KafkaPublisher
) -> None:
    await publisher.warm_up()
    acknowledged: list[str] = []
    numbers = count()

    async def publish() -> int:
        """How many of ten were acknowledged."""
        names = [str(next(numbers)) for _ in range(10)]
        answers = await publisher.publish([record(world.topic, name.encode(), key=name) for name in names])
        done = [name for name, answer in zip(names, answers, strict=True) if isinstance(answer, Acked)]
        acknowledged.extend(done)
        return len(done)

    assert await publish() == 10
    os.kill(kafka_server.pid, signal.SIGSTOP)
    try:
        assert await publish() == 0
    finally:
        os.kill(kafka_server.pid, signal.SIGCONT)
    await until(publish)

    come = await _everything(world)
    assert set(acknowledged) <= set(come)


async def test_a_producer_that_can_never_work_again_is_replaced() -> None:
    with mock_cluster() as cluster:
        cluster.add_topic("orders")
        publisher = KafkaPublisher(KafkaSettings(bootstrap_servers=cluster.bootstrap_servers), name="test")
        await publisher.warm_up()
        sure((await publisher.publish([record("orders", b"before")]))[0])
        cluster.fail_next(PRODUCE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)

        refused = await publisher.publish([record("orders", b"wedged")])
        with capture_logs() as logs:
            answers = await publisher.publish([record("orders", b"after")] * 3)

        assert refused == [Refused(reason="out_of_order_sequence_number")]
        assert all(isinstance(answer, Acked) for answer in answers)
        assert [entry["action"] for entry in logs] == ["kafka.producer_replaced"]
        await publisher.close()


async def test_a_producer_that_knows_no_broker_any_more_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workarounds, "FORGOTTEN_SECONDS", 0)
    with mock_cluster() as cluster:
        cluster.add_topic("orders")
        publisher = KafkaPublisher(KafkaSettings(bootstrap_servers=cluster.bootstrap_servers), name="test")
        sure((await publisher.publish([record("orders", b"before")]))[0])

        publisher._current._on_statistics('{"brokers": {}}')  # as librdkafka would

        with capture_logs() as logs:
            sure((await publisher.publish([record("orders", b"after")]))[0])
        assert [entry["action"] for entry in logs] == ["kafka.producer_replaced"]
        await publisher.close()


async def test_errors_that_pass_are_not_seen() -> None:
    with mock_cluster() as cluster:
        cluster.add_topic("orders")
        publisher = KafkaPublisher(KafkaSettings(bootstrap_servers=cluster.bootstrap_servers), name="test")
        cluster.fail_next(PRODUCE, KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_LEADER_FOR_PARTITION)

        answers = await publisher.publish([record("orders", b"x")] * 3)

        assert [sure(answer).offset for answer in answers] == [0, 1, 2]
        await publisher.close()


async def test_without_a_broker_every_call_is_bounded() -> None:
    publisher = KafkaPublisher(KafkaSettings(bootstrap_servers=NOBODY, message_timeout_seconds=0.5), name="test")
    async with asyncio.timeout(10):
        assert not await publisher.warm_up(deadline=0.5)
        (refused,) = await publisher.publish([record("orders", b"x")])
        await publisher.close(deadline=0.5)

    assert isinstance(refused, Refused)
    assert not refused.permanent
    assert not publisher.connected


async def test_what_is_under_way_arrives_before_close(world: World) -> None:
    publishing = asyncio.ensure_future(world.publish(*(str(n) for n in range(100))))
    await asyncio.sleep(0)
    await world.publisher.close()

    assert len(await publishing) == 100


async def _everything(world: World) -> list[str]:
    """All that is in the topic, up to a mark that is published now into each partition."""
    await world.publish_to_each_partition(1)
    stream = world.join()
    seen: list[str] = []
    ends: set[int] = set()
    async with asyncio.timeout(20):
        while len(ends) < 6:
            for delivery in await stream.fetch():
                seen += values([delivery])
                if (delivery.key or b"").startswith(b"key-"):
                    ends.add(delivery.partition)
    return seen


def _create(kafka_server: KafkaServer, topic: str, config: dict[str, str]) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap_servers})
    for created in admin.create_topics([NewTopic(topic, 1, 1, config=config)]).values():
        created.result(10)
