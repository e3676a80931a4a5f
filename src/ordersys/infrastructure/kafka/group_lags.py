"""How far consumer groups are behind the ends of their topics, seen from outside: also when no member is alive."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import TimeoutError as Late
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # exported, but not marked so

from ordersys.config import KafkaSettings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka.assignment import Partition
from ordersys.infrastructure.kafka.client import Link, client_config, library_log

ANSWER_SECONDS: Final = 2.0
EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the client has no annotation there
LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class GroupLags:
    """`topics` names the full topics that each group reads."""

    def __init__(self, kafka: KafkaSettings, topics: Mapping[str, Sequence[str]]) -> None:
        self._topics = topics
        self._link = Link("lag reader")
        config = client_config(kafka) | {"error_cb": self._link.on_error}
        self._admin = AdminClient(config, logger=library_log)

    async def read(self) -> Mapping[tuple[str, str], int]:
        """Records by (group, topic); a group that never committed has everything before it."""
        try:
            lags = await asyncio.to_thread(self._polled_read)
        except KafkaException as failed:
            raise Unavailable("kafka", failed.args[0].str()) from failed
        except Late as late:
            raise Unavailable("kafka") from late
        self._link.seen()
        return lags

    async def committed(self) -> Mapping[str, Mapping[Partition, int]]:
        """By group, the offsets with which it will go on after a restart."""
        try:
            return await asyncio.to_thread(lambda: {group: self._committed(group) for group in self._topics})
        except KafkaException as failed:
            raise Unavailable("kafka", failed.args[0].str()) from failed
        except Late as late:
            raise Unavailable("kafka") from late

    def _polled_read(self) -> Mapping[tuple[str, str], int]:
        try:
            return self._read()
        finally:
            self._admin.poll(0)  # errors and log lines wait for it

    def _read(self) -> Mapping[tuple[str, str], int]:
        partitions = self._partitions()
        first = self._offsets(partitions, EARLIEST)
        end = self._offsets(partitions, LATEST)
        lags: Counter[tuple[str, str]] = Counter()
        for group, topics in self._topics.items():
            committed = self._committed(group)
            for topic, number in partitions:
                if topic in topics:
                    place = topic, number
                    lags[group, topic] += max(end[place] - max(committed.get(place, 0), first[place]), 0)
        return lags

    def _partitions(self) -> Sequence[Partition]:
        wanted = {topic for topics in self._topics.values() for topic in topics}
        found = self._admin.list_topics(timeout=ANSWER_SECONDS).topics
        return [(topic, number) for topic in wanted if topic in found for number in found[topic].partitions]

    def _offsets(self, partitions: Sequence[Partition], spec: OffsetSpec) -> Mapping[Partition, int]:
        asked = {TopicPartition(topic, number): spec for topic, number in partitions}
        answers = self._admin.list_offsets(asked, request_timeout=ANSWER_SECONDS) if asked else {}
        return {
            (place.topic, place.partition): answer.result(ANSWER_SECONDS).offset for place, answer in answers.items()
        }

    def _committed(self, group: str) -> Mapping[Partition, int]:
        asked = [ConsumerGroupTopicPartitions(group)]
        try:
            answer: Any = self._admin.list_consumer_group_offsets(asked, request_timeout=ANSWER_SECONDS)[group].result(
                ANSWER_SECONDS
            )
        except KafkaException as failed:
            if failed.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return {}
            raise
        return {(place.topic, place.partition): place.offset for place in answer.topic_partitions}
