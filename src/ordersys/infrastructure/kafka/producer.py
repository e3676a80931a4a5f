"""KafkaPublisher: librdkafka's synchronous producer under asyncio.

A batch is answered when the delivery report of its last record is in. Partitions are chosen by `murmur2_random`, as
Java clients do, so that an order keeps its partition whoever writes. A producer that can never work again (a wedged or
fenced idempotent sequence, no broker that it knows any more) is replaced.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog
from confluent_kafka import KafkaException

from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka.client import STATISTICS_SECONDS, Link, client_config
from ordersys.infrastructure.kafka.polled_producer import DeliveryResult, PolledProducer, Reports
from ordersys.messaging.envelope import Acked, Record, Refused

log = structlog.get_logger()

REPORT_GRACE_SECONDS: Final = 5.0
NO_REPORT: Final = Refused(reason="no_delivery_report")


class KafkaPublisher:
    """The Publisher port. `name` is the client's name in the broker's logs and ours."""

    def __init__(self, kafka: KafkaSettings, *, name: str) -> None:
        self._config = _producer_config(kafka, name)
        self._patience = kafka.message_timeout_seconds
        self._link = Link(f"{name} producer")
        self._line = PolledProducer(self._config, self._link)
        self.replaced = 0
        """How many producers had to be given up."""

    @property
    def connected(self) -> bool:
        """Whether a broker has been reached and not lost since."""
        return self._link.connected

    async def warm_up(self, deadline: float = 5.0) -> bool:
        """Connects, which lets the producer id come: the first record of a cold producer waits 0.5-1 s for it."""
        try:
            await asyncio.to_thread(self._line.producer.list_topics, timeout=deadline)
        except KafkaException as failed:
            self._link.lost(failed.args[0].str())
            return False
        self._link.seen()
        return True

    async def publish(self, records: Sequence[Record]) -> Sequence[DeliveryResult]:
        answers = await self._send(records)
        if len(records) > 1:
            # Brokers refuse whole librdkafka batches, as too large for one: each record must be judged alone.
            for index, answer in enumerate(answers):
                if isinstance(answer, Refused) and answer.permanent:
                    answers[index] = (await self._send([records[index]]))[0]
        return answers

    async def close(self, deadline: float = 5.0) -> None:
        """What is under way may arrive for `deadline` seconds, the rest is refused."""
        self._line.retire(deadline)
        if not await self._line.ended(deadline + 2):
            log.warning("kafka producer did not close in time", action="kafka.close_late")

    async def _send(self, records: Sequence[Record]) -> list[DeliveryResult]:
        if not records:
            return []
        line = self._sound_line()
        reports = Reports(len(records))
        for index, record in enumerate(records):
            if line.take(record, reports, index):
                continue
            if refused := await line.offer(record, reports, index, self._patience):
                reports.settle(index, refused)
        answers = await reports.within(self._patience + REPORT_GRACE_SECONDS)
        self._judge(line, answers)
        return [answer or NO_REPORT for answer in answers]

    def _judge(self, line: PolledProducer, answers: Sequence[DeliveryResult | None]) -> None:
        if any(isinstance(answer, Acked) for answer in answers):
            self._link.seen()
        if None in answers:
            line.broken = line.broken or "delivery reports do not come"

    def _sound_line(self) -> PolledProducer:
        if self._line.broken:
            log.error("kafka producer replaced: %s", self._line.broken, action="kafka.producer_replaced")
            self._line.retire(0)
            self._line = PolledProducer(self._config, self._link)
            self.replaced += 1
        return self._line


def _producer_config(kafka: KafkaSettings, name: str) -> dict[str, Any]:
    return client_config(kafka) | {
        "client.id": name,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        # Whole batches are handed over, and what waits behind a request becomes one anyway; 1 ms here is 1.4 ms on the
        # way of every single event.
        "linger.ms": 0,
        "message.timeout.ms": int(kafka.message_timeout_seconds * 1000),
        # For so long a topic may be missing from the metadata before its records are refused.
        "topic.metadata.propagation.max.ms": 1000,
        "queue.buffering.max.messages": 100_000,
        "statistics.interval.ms": int(STATISTICS_SECONDS * 1000),
    }
