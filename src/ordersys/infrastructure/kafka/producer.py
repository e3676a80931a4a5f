"""KafkaPublisher: librdkafka's synchronous producer under asyncio.

A batch is complete when the delivery report of its last record has arrived. Partitions are chosen by `murmur2_random`,
as in Java clients, so that an order keeps its partition with any client. A producer that can never work again (a wedged
or fenced idempotent sequence, no known broker) is replaced.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog
from confluent_kafka import KafkaException

from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka.client import STATISTICS_SECONDS, Link, client_config
from ordersys.infrastructure.kafka.polled_producer import DeliveryReports, DeliveryResult, PolledProducer
from ordersys.messaging.envelope import Acked, Record, Refused

log = structlog.get_logger()

REPORT_GRACE_SECONDS: Final = 5.0
NO_REPORT: Final = Refused(reason="no_delivery_report")


class KafkaPublisher:
    """Implements messaging.envelope.Publisher. `name`: the client id, shown in the broker's logs and ours."""

    def __init__(self, kafka: KafkaSettings, *, name: str) -> None:
        self._config = _producer_config(kafka, name)
        self._patience = kafka.message_timeout_seconds
        self._link = Link(f"{name} producer")
        self._current = PolledProducer(self._config, self._link)

    @property
    def connected(self) -> bool:
        """Whether a broker was reached, and not lost since."""
        return self._link.connected

    async def warm_up(self, deadline: float = 5.0) -> bool:
        """Connects and gets a producer id, for which the first record would otherwise wait 0.5-1 s."""
        try:
            await asyncio.to_thread(self._current.producer.list_topics, timeout=deadline)
        except KafkaException as failed:
            self._link.lost(failed.args[0].str())
            return False
        self._link.seen()
        return True

    async def publish(self, records: Sequence[Record]) -> Sequence[DeliveryResult]:
        answers = await self._send(records)
        if len(records) > 1:
            # Brokers refuse whole librdkafka batches, for example if one record is too large: retry each record alone.
            for index, answer in enumerate(answers):
                if isinstance(answer, Refused) and answer.permanent:
                    answers[index] = (await self._send([records[index]]))[0]
        return answers

    async def close(self, deadline: float = 5.0) -> None:
        """Records in flight have `deadline` seconds to arrive; the rest is refused."""
        self._current.close(deadline)
        if not await self._current.closed(deadline + 2):
            log.warning("kafka producer did not close in time", action="kafka.close_late")

    async def _send(self, records: Sequence[Record]) -> list[DeliveryResult]:
        if not records:
            return []
        producer = self._working_producer()
        reports = DeliveryReports(len(records))
        for index, record in enumerate(records):
            if producer.try_produce(record, reports, index):
                continue
            if refused := await producer.produce(record, reports, index, self._patience):
                reports.settle(index, refused)
        answers = await reports.within(self._patience + REPORT_GRACE_SECONDS)
        self._judge(producer, answers)
        return [answer or NO_REPORT for answer in answers]

    def _judge(self, producer: PolledProducer, answers: Sequence[DeliveryResult | None]) -> None:
        if any(isinstance(answer, Acked) for answer in answers):
            self._link.seen()
        if None in answers:
            producer.broken = producer.broken or "no delivery reports"

    def _working_producer(self) -> PolledProducer:
        if self._current.broken:
            log.error("kafka producer replaced: %s", self._current.broken, action="kafka.producer_replaced")
            self._current.close(0)
            self._current = PolledProducer(self._config, self._link)
        return self._current


def _producer_config(kafka: KafkaSettings, name: str) -> dict[str, Any]:
    return client_config(kafka) | {
        "client.id": name,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        # The relay hands over whole batches, and records that wait for a request are batched anyway. 1 ms here adds
        # 1.4 ms to the latency of every event.
        "linger.ms": 0,
        "message.timeout.ms": int(kafka.message_timeout_seconds * 1000),
        # How long a topic may be missing from the metadata before its records are refused.
        "topic.metadata.propagation.max.ms": 1000,
        "queue.buffering.max.messages": 100_000,
        "statistics.interval.ms": int(STATISTICS_SECONDS * 1000),
    }
