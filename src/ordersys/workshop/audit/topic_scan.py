"""Reads topics from their first record to the end they had at the start, as nobody's member: no group, no offsets kept.

Values are fetched, since Kafka cannot leave them out, and dropped at once; the client's queue is kept small.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from time import monotonic
from typing import Any, Final, cast
from uuid import UUID

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ordersys.config import KafkaSettings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka.assignment import Partition
from ordersys.infrastructure.kafka.client import Link, client_config, library_log, topic_name
from ordersys.infrastructure.kafka.group_lags import GroupLags
from ordersys.infrastructure.kafka.workarounds import headers_of
from ordersys.messaging.topics import STREAMS
from ordersys.workshop.audit.ports import Committed, Seen, Span

ANSWER_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 15.0
WAIT_SECONDS: Final = 0.2
PAUSE_SECONDS: Final = 0.2
BATCH: Final = 4_000
END_OF_PARTITION: Final = KafkaError._PARTITION_EOF  # noqa: SLF001  # the client's own spelling


class TopicScan:
    """Implements workshop.audit.ports.Topics. `lags` knows the groups."""

    def __init__(self, kafka: KafkaSettings, lags: GroupLags, *, silence: float = SILENCE_SECONDS) -> None:
        self._kafka = kafka
        self._lags = lags
        self._silence = silence
        self._link = Link("audit")

    async def spans(self) -> Sequence[Span]:
        return await asyncio.to_thread(self._spans)

    async def committed(self) -> Sequence[Committed]:
        return [
            Committed(consumer=group, topic=topic, partition=partition, offset=offset)
            for group, places in (await self._groups()).items()
            for (topic, partition), offset in places.items()
            if offset >= 0
        ]

    async def _groups(self) -> Mapping[str, Mapping[Partition, int]]:
        """Waits for a broker that has just been started and reads up on its groups."""
        until = monotonic() + self._silence
        while True:
            try:
                return await self._lags.committed()
            except Unavailable:
                if monotonic() > until:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def records(self, spans: Sequence[Span]) -> AsyncIterator[Sequence[Seen]]:
        open_ends = {(span.topic, span.partition): span.end for span in spans if span.first < span.end}
        consumer = self._consumer()
        try:
            starts = [TopicPartition(span.topic, span.partition, span.first) for span in spans if span.first < span.end]
            consumer.assign(starts)
            heard = monotonic()
            while open_ends:
                messages = await asyncio.to_thread(consumer.consume, BATCH, WAIT_SECONDS)
                if seen := _within(messages, open_ends):
                    yield seen
                heard = self._heard(messages, heard)
        finally:
            await asyncio.to_thread(consumer.close)

    def _heard(self, messages: Sequence[Message], before: float) -> float:
        if messages:
            return monotonic()
        if monotonic() - before > self._silence:
            raise Unavailable("kafka", f"kafka has sent nothing for {self._silence:g} s")
        return before

    def _spans(self) -> Sequence[Span]:
        consumer = self._consumer()
        try:
            found = consumer.list_topics(timeout=ANSWER_SECONDS).topics
            names = [topic_name(self._kafka, stream) for stream in STREAMS]
            missing = [name for name in names if name not in found or found[name].error]
            if missing:
                raise Unavailable("kafka", f"there is no topic {', '.join(missing)}")
            return [_span(consumer, name, number) for name in names for number in found[name].partitions]
        except KafkaException as failed:
            raise Unavailable("kafka", f"kafka cannot be reached: {failed.args[0].str()}") from failed
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        config: dict[str, Any] = client_config(self._kafka) | {
            "client.id": "ordersys-audit",
            # The client insists on a name; without subscribing or committing no group comes to be.
            "group.id": "ordersys-audit",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
            # A message keeps the whole response alive that it came with: small ones, and few of them.
            "fetch.message.max.bytes": 262_144,
            "queued.min.messages": 10_000,
            "queued.max.messages.kbytes": 8_192,
            "error_cb": self._link.on_error,
        }
        return Consumer(config, logger=library_log)


def _span(consumer: Consumer, topic: str, partition: int) -> Span:
    place = TopicPartition(topic, partition)
    first, end = consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
    return Span(topic=topic, partition=partition, first=first, end=end)


def _within(messages: Sequence[Message], open_ends: dict[Partition, int]) -> list[Seen]:
    """What lies before the ends; a partition that has come to its end is taken out."""
    seen: list[Seen] = []
    for message in messages:
        place = cast(str, message.topic()), cast(int, message.partition())
        error, end = message.error(), open_ends.get(place)
        if error and error.code() != END_OF_PARTITION:
            raise Unavailable("kafka", f"kafka cannot be read: {error.str()}")
        if end is None:
            continue
        offset = cast(int, message.offset())
        if not error and offset < end:
            seen.append(_seen(message, place, offset))
        if error or offset >= end - 1:
            del open_ends[place]
    return seen


def _seen(message: Message, place: Partition, offset: int) -> Seen:
    headers = headers_of(message)
    return Seen(
        topic=place[0],
        partition=place[1],
        offset=offset,
        milliseconds=message.timestamp()[1],
        event_id=_uuid(headers, "ce_id"),
        order_id=_uuid(headers, "ce_subject"),
        type=_text(headers, "ce_type"),
    )


def _uuid(headers: Mapping[str, bytes], name: str) -> UUID | None:
    try:
        return UUID(headers[name].decode())
    except (KeyError, ValueError):
        return None


def _text(headers: Mapping[str, bytes], name: str) -> str | None:
    """PostgreSQL takes no NUL in a text."""
    try:
        return headers[name].decode().replace("\0", "\ufffd")
    except (KeyError, ValueError):
        return None
