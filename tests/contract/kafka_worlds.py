"""Kafka twice, for the suites of its ports: in memory, and Apache Kafka behind the adapters."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

from confluent_kafka.cimpl import murmur2

from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka.producer import KafkaPublisher
from ordersys.infrastructure.kafka.stream import KafkaStream
from ordersys.messaging.envelope import Acked, Delivery, Publisher, Record, Refused, Stream
from tests.fakes.kafka import FakeKafka, FakePublisher, FakeStream
from tests.servers import KafkaServer

WITHIN = 30.0
PARTITIONS = 6
_starter = ThreadPoolExecutor(1)


class ClosingPublisher(Publisher, Protocol):
    async def close(self, deadline: float = 5.0) -> None: ...


class ClosingStream(Stream, Protocol):
    async def close(self, deadline: float = 5.0) -> None: ...


@dataclass(slots=True, kw_only=True)
class World:
    topic: str
    publisher: ClosingPublisher
    member: Callable[[str], ClosingStream]
    partition_of: Callable[[bytes], int]
    group: str = field(default_factory=lambda: f"group-{uuid.uuid4().hex[:8]}")
    exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    def join(self) -> ClosingStream:
        """A new member of the group, gone when the test is."""
        stream = self.member(self.group)
        self.exits.push_async_callback(stream.close)
        return stream

    async def publish(self, *values: str, key: str = "k") -> Sequence[Acked]:
        answers = await self.publisher.publish([record(self.topic, value.encode(), key=key) for value in values])
        return [sure(answer) for answer in answers]

    async def publish_to_each_partition(self, count: int) -> None:
        keys = {self.partition_of(b"key-%d" % n): f"key-{n}" for n in range(200)}
        for partition in range(PARTITIONS):
            places = await self.publish(*map(str, range(count)), key=keys[partition])
            assert {place.partition for place in places} == {partition}


@asynccontextmanager
async def fake_world() -> AsyncIterator[World]:
    kafka = FakeKafka(["t.orders", "t.dlq"])
    publisher = FakePublisher(kafka=kafka)
    yield World(
        topic="t.orders",
        publisher=publisher,
        member=lambda group: FakeStream(kafka=kafka, group=group, topics=["t.orders"], batch_size=50),
        partition_of=lambda key: crc32(key) % PARTITIONS,
    )


@asynccontextmanager
async def real_world(bootstrap_servers: str, prefix: str) -> AsyncIterator[World]:
    kafka = KafkaSettings(bootstrap_servers=bootstrap_servers, topic_prefix=prefix, batch_size=50)
    topic = f"{prefix}orders"
    publisher = KafkaPublisher(kafka, name="test")
    world = World(
        topic=topic,
        publisher=publisher,
        member=lambda group: KafkaStream(kafka, group=group, topics=[topic], instance="test"),
        partition_of=lambda key: murmur2(key, PARTITIONS),
    )
    async with world.exits:
        world.exits.push_async_callback(publisher.close)
        yield world


async def start_again(kafka_server: KafkaServer) -> None:
    """Without holding up the event loop. The server ends with the thread that starts it, hence one that stays."""
    await asyncio.get_running_loop().run_in_executor(_starter, kafka_server.start)


def record(topic: str, value: bytes | None, *, key: str = "k", headers: Sequence[tuple[str, bytes]] = ()) -> Record:
    return Record(topic=topic, key=key.encode(), value=value, headers=headers)


def sure(answer: Acked | Refused) -> Acked:
    assert isinstance(answer, Acked), answer
    return answer


async def fetched(stream: Stream, count: int, *, commit: bool = False) -> list[Delivery]:
    """Exactly so many deliveries, from as many fetches as it takes."""
    deliveries: list[Delivery] = []
    async with asyncio.timeout(WITHIN):
        while len(deliveries) < count:
            batch = await stream.fetch()
            deliveries += batch
            if commit:
                await stream.commit(batch)
    assert len(deliveries) == count
    return deliveries


async def until(condition: Callable[[], Awaitable[object]], within: float = WITHIN) -> None:
    """Asks again at once: the asking itself is what moves a client on, and it waits."""
    async with asyncio.timeout(within):
        while not await condition():
            pass


@asynccontextmanager
async def kept_in_group(stream: Stream, comes: int) -> AsyncIterator[list[Delivery]]:
    """Goes on fetching meanwhile, so that the member takes part in rebalances, until so many have come."""
    stop = asyncio.Event()
    come: list[Delivery] = []

    async def fetch() -> None:
        async with asyncio.timeout(WITHIN):
            while len(come) < comes or not stop.is_set():
                come.extend(await stream.fetch())

    fetching = asyncio.ensure_future(fetch())
    try:
        yield come
    finally:
        stop.set()
        await fetching


def values(deliveries: Iterable[Delivery]) -> list[str]:
    return [(delivery.value or b"").decode() for delivery in deliveries]
