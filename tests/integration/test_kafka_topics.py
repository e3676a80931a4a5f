"""The topics are made once, and the lag of the groups is seen from outside."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # see topics.py
from confluent_kafka.cimpl import NewTopic
from structlog.testing import capture_logs

from ordersys.config import KafkaSettings, RetentionSettings, Settings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka import topics
from ordersys.infrastructure.kafka.group_lags import GroupLags
from ordersys.messaging.topics import STREAMS
from tests.contract.kafka_worlds import World, fetched, real_world
from tests.servers import KafkaServer
from tests.waiting import eventually

NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")


@pytest.fixture
async def world(kafka_server: KafkaServer, topic_prefix: str) -> AsyncIterator[World]:
    async with real_world(kafka_server.bootstrap_servers, topic_prefix) as world:
        yield world


@pytest.fixture
def settings(kafka_server: KafkaServer) -> Settings:
    """With a prefix that has no topics yet."""
    kafka_server.start()
    prefix = f"n{uuid.uuid4().hex[:6]}."
    kafka = KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, topic_prefix=prefix, partitions=3)
    return Settings(kafka=kafka)


async def test_the_four_topics_are_made_once(settings: Settings) -> None:
    await topics.ensure(settings)
    await topics.ensure(settings)

    assert _partitions(settings) == {"orders": 3, "payments": 3, "tickets": 3, "dlq": 1}


async def test_a_topic_of_another_size_is_left_alone_and_told_of(settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for made in admin.create_topics([NewTopic(f"{settings.kafka.topic_prefix}orders", 2, 1)]).values():
        made.result(10)

    with capture_logs() as logs:
        await topics.ensure(settings)

    assert _partitions(settings)["orders"] == 2
    assert [entry["action"] for entry in logs] == ["kafka.partitions_differ"]


async def test_a_topic_that_cannot_be_made_is_named(settings: Settings) -> None:
    kafka = KafkaSettings(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        topic_prefix=settings.kafka.topic_prefix,
        replication_factor=3,
    )

    with pytest.raises(Unavailable, match=r"Cannot create topic \S+orders: .*replication factor"):
        await topics.ensure(Settings(kafka=kafka), deadline=0)


async def test_without_a_broker_ensuring_ends_at_its_deadline() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable, match="refused") as raised:
            await topics.ensure(Settings(kafka=NOBODY), deadline=0.5)

    assert raised.value.server == "kafka"


async def test_the_lag_of_a_group_is_what_it_has_not_committed(world: World, kafka_server: KafkaServer) -> None:
    lags = GroupLags(
        KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers), {world.group: [world.topic, "not-there"]}
    )
    await world.publish_to_each_partition(10)
    assert await lags.read() == {(world.group, world.topic): 60}

    stream = world.join()
    deliveries = await fetched(stream, 60)
    await stream.commit([delivery for delivery in deliveries if delivery.partition != 2])
    await stream.close()

    assert await lags.read() == {(world.group, world.topic): 10}


async def test_without_a_broker_the_lag_is_unavailable() -> None:
    lags = GroupLags(NOBODY, {"g": ["t"]})

    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await lags.read()


async def test_questions_at_the_same_time_do_not_take_each_others_client() -> None:
    lags = GroupLags(NOBODY, {"g": ["t"]})

    answers = await asyncio.gather(*(lags.committed() for _ in range(3)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    await lags.close()


def _partitions(settings: Settings) -> dict[str, int]:
    found = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers}).list_topics(timeout=10).topics
    prefix = settings.kafka.topic_prefix
    return {
        name.removeprefix(prefix): len(topic.partitions) for name, topic in found.items() if name.startswith(prefix)
    }


async def test_records_are_kept_for_the_days_of_the_setting_in_older_topics_too(settings: Settings) -> None:
    await topics.ensure(settings)
    await eventually(lambda: _kept(settings) == dict.fromkeys(STREAMS, 7))

    await topics.ensure(msgspec.structs.replace(settings, retention=RetentionSettings(topic_days=3)))

    await eventually(lambda: _kept(settings) == dict.fromkeys(STREAMS, 3))


def _kept(settings: Settings) -> dict[str, int]:
    """Days by stream."""
    prefix = settings.kafka.topic_prefix
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    asked = [ConfigResource(ConfigResource.Type.TOPIC, prefix + stream) for stream in STREAMS]
    answers = admin.describe_configs(asked)
    return {
        topic.name.removeprefix(prefix): int(entries.result(10)["retention.ms"].value) // 86_400_000
        for topic, entries in answers.items()
    }
