"""The audit's own reader: every record once, to the end at the start, and nobody notices."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from ordersys.bootstrap.messaging import group_lags
from ordersys.config import KafkaSettings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka.producer import KafkaPublisher
from ordersys.infrastructure.kafka.stream import KafkaStream
from ordersys.messaging.envelope import Acked, Record
from ordersys.messaging.topics import PAYMENT_SERVICE
from ordersys.workshop.audit.ports import Seen, Span
from ordersys.workshop.audit.topic_scan import TopicScan
from tests.servers import KafkaServer


@pytest.fixture
def kafka(kafka_server: KafkaServer, topic_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, topic_prefix=topic_prefix)


@pytest.fixture
async def publisher(kafka: KafkaSettings) -> AsyncIterator[KafkaPublisher]:
    publisher = KafkaPublisher(kafka, name="test")
    yield publisher
    await publisher.close()


def event(kafka: KafkaSettings, event_id: UUID, *, stream: str = "orders") -> Record:
    headers = (("ce_id", str(event_id)), ("ce_subject", str(event_id)), ("ce_type", "ordersys.OrderCreated.v1"))
    return Record(
        topic=kafka.topic_prefix + stream,
        key=event_id.bytes,
        value=b"{}",
        headers=[(name, value.encode()) for name, value in headers],
    )


def scan(kafka: KafkaSettings) -> TopicScan:
    return TopicScan(kafka, group_lags(kafka))


async def read(topics: TopicScan, spans: Sequence[Span]) -> list[Seen]:
    return [record async for batch in topics.records(spans) for record in batch]


async def test_every_record_before_the_end_is_read_once(kafka: KafkaSettings, publisher: KafkaPublisher) -> None:
    ids = {uuid4() for _ in range(500)}
    answers = await publisher.publish([event(kafka, one, stream="orders" if one.int % 2 else "tickets") for one in ids])
    assert all(isinstance(answer, Acked) for answer in answers)
    topics = scan(kafka)
    spans = await topics.spans()
    await publisher.publish([event(kafka, uuid4()) for _ in range(50)])

    seen = await read(topics, spans)

    assert len(seen) == 500
    assert {record.event_id for record in seen} == {record.order_id for record in seen} == ids
    assert {record.type for record in seen} == {"ordersys.OrderCreated.v1"}
    assert sum(span.end for span in spans) == 500


async def test_a_record_that_is_none_of_ours_is_read_as_such(kafka: KafkaSettings, publisher: KafkaPublisher) -> None:
    strange = [("ce_id", b"\xff"), ("ce_subject", b"no uuid"), ("ce_type", b"a\0b")]
    await publisher.publish([Record(topic=f"{kafka.topic_prefix}dlq", key=b"k", value=None, headers=strange)])
    topics = scan(kafka)

    (seen,) = await read(topics, await topics.spans())

    assert (seen.event_id, seen.order_id, seen.type) == (None, None, "a\ufffdb")


async def test_the_offsets_of_the_groups_are_told(kafka: KafkaSettings, publisher: KafkaPublisher) -> None:
    await publisher.publish([event(kafka, uuid4()) for _ in range(20)])
    topic = f"{kafka.topic_prefix}orders"
    stream = KafkaStream(kafka, group=PAYMENT_SERVICE, topics=[topic], instance="test")
    done = 0
    while done < 20:
        deliveries = await stream.fetch()
        await stream.commit(deliveries)
        done += len(deliveries)
    await stream.close()

    places = await scan(kafka).committed()

    assert sum(place.offset for place in places if place.topic == topic) == 20


async def test_without_brokers_it_is_said(kafka: KafkaSettings) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1", topic_prefix=kafka.topic_prefix)

    with pytest.raises(Unavailable, match="kafka cannot be reached"):
        await scan(nowhere).spans()


async def test_topics_that_are_not_there_are_named(kafka: KafkaSettings, kafka_server: KafkaServer) -> None:
    other = KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, topic_prefix="nothing.")

    with pytest.raises(Unavailable, match=r"there is no topic nothing\.orders"):
        await scan(other).spans()
