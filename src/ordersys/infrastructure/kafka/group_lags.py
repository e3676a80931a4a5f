"""How far consumer groups are behind the ends of their topics, seen from outside: also when no member is alive.

Asked by consumers that never join their group: the admin client aborts the process when a broker restarts under it (see
workarounds). One that could not answer is replaced: it may know no broker any more (workarounds.KnownBrokers).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ordersys.config import KafkaSettings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka.assignment import Partition
from ordersys.infrastructure.kafka.client import Link, client_config, library_log
from ordersys.usecase.operations.ports import PartitionLag

T = TypeVar("T")
ANSWER_SECONDS: Final = 2.0


class GroupLags:
    """`topics` names the full topics that each group reads."""

    def __init__(self, kafka: KafkaSettings, topics: Mapping[str, Sequence[str]]) -> None:
        self._topics = topics
        self._link = Link("lag reader")
        self._turn = asyncio.Lock()
        self._config = client_config(kafka) | {"enable.auto.commit": False, "error_cb": self._link.on_error}
        self._clients: dict[str, Consumer] = {}

    async def read(self) -> Mapping[tuple[str, str], int]:
        """Records by (group, topic); a group that never committed has everything before it."""
        lags: Counter[tuple[str, str]] = Counter()
        for one in await self.partitions():
            lags[one.consumer, one.topic] += one.lag
        return lags

    async def partitions(self) -> Sequence[PartitionLag]:
        """Implements usecase.operations.ports.PartitionLags. One question at a time."""
        async with self._turn:
            try:
                lags = await asyncio.to_thread(lambda: list(self._read()))
            except KafkaException as failed:
                raise Unavailable("kafka", failed.args[0].str()) from failed
        self._link.seen()
        return lags

    async def committed(self) -> Mapping[str, Mapping[Partition, int]]:
        """By group, the offsets with which it will go on after a restart. Raises Unavailable."""
        try:
            return await asyncio.to_thread(lambda: {group: self._ask(group, self._committed) for group in self._topics})
        except KafkaException as failed:
            raise Unavailable("kafka", failed.args[0].str()) from failed

    async def close(self) -> None:
        while self._clients:
            await asyncio.to_thread(self._clients.popitem()[1].close)

    def _read(self) -> Iterator[PartitionLag]:
        for group in self._topics:
            yield from self._ask(group, self._lags)

    def _ask(self, group: str, question: Callable[[str, Consumer], T]) -> T:
        """A client belongs to the one question that is under way with it: an earlier one may still be, uncalled for."""
        client = self._clients.pop(group, None) or Consumer(self._config | {"group.id": group}, logger=library_log)
        sound = False
        try:
            answer = question(group, client)
            sound = True
        finally:
            client.poll(0)  # errors and log lines wait for it
            if not sound or self._clients.setdefault(group, client) is not client:
                client.close()
        return answer

    def _lags(self, group: str, client: Consumer) -> Sequence[PartitionLag]:
        lags = []
        for place in client.committed(self._partitions(group, client), timeout=ANSWER_SECONDS):
            if place.error:
                raise KafkaException(place.error)
            first, end = client.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
            lag = max(end - max(place.offset, first), 0)
            lags.append(PartitionLag(consumer=group, topic=place.topic, partition=place.partition, lag=lag))
        return lags

    def _committed(self, group: str, client: Consumer) -> Mapping[Partition, int]:
        places = client.committed(self._partitions(group, client), timeout=ANSWER_SECONDS)
        return {(place.topic, place.partition): place.offset for place in places if place.offset >= 0}

    def _partitions(self, group: str, client: Consumer) -> list[TopicPartition]:
        found = client.list_topics(timeout=ANSWER_SECONDS).topics
        return [
            TopicPartition(topic, number)
            for topic in self._topics[group]
            if topic in found
            for number in found[topic].partitions
        ]
