"""A librdkafka producer with a thread that polls it for delivery reports, and the reports of one batch."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from ordersys.infrastructure.kafka.client import INVALID_ARGUMENT, Link, fatal, library_log, slug
from ordersys.infrastructure.kafka.workarounds import KnownBrokers
from ordersys.messaging.envelope import Acked, Record, Refused

log = structlog.get_logger()

DeliveryResult = Acked | Refused
POLL_SECONDS: Final = 0.1
PURGE_SECONDS: Final = 1.0
FULL_PAUSE_SECONDS: Final = 0.005
PERMANENT: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        INVALID_ARGUMENT,
    }
)
"""Errors of the record itself, which no further attempt can fix."""


def refusal(error: KafkaError) -> Refused:
    return Refused(reason=slug(error), permanent=error.code() in PERMANENT)


class DeliveryReports:
    """The results of one batch. Reports arrive from the polling thread, refusals from the event loop. The last result
    wakes the loop, once.
    """

    def __init__(self, size: int) -> None:
        self._answers: list[DeliveryResult | None] = [None] * size
        self._missing = size
        self._lock = Lock()
        self._loop = asyncio.get_running_loop()
        self._complete = asyncio.Event()

    def delivered(self, index: int, error: KafkaError | None, message: Any) -> None:
        """`message`: a Message; a delivered one has its partition and offset."""
        self.settle(index, refusal(error) if error else Acked(message.partition(), message.offset()))

    def settle(self, index: int, answer: DeliveryResult) -> None:
        with self._lock:
            self._answers[index] = answer
            self._missing -= 1
            if self._missing:
                return
        with contextlib.suppress(RuntimeError):  # the loop is closed, so no caller waits
            self._loop.call_soon_threadsafe(self._complete.set)

    async def within(self, seconds: float) -> Sequence[DeliveryResult | None]:
        """Returns the results; None where no report arrived in time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._complete.wait(), seconds)
        with self._lock:
            return tuple(self._answers)


class PolledProducer:
    """`broken`: why this producer can never work again; "" while it works."""

    def __init__(self, config: dict[str, Any], link: Link) -> None:
        self.broken = ""
        self._link = link
        self._known = KnownBrokers()
        self._grace = 0.0
        self._closed = Event()
        callbacks = {"error_cb": self._on_error, "stats_cb": self._on_statistics}
        self.producer = Producer(config | callbacks, logger=library_log)
        self._thread = Thread(target=self._work, name="kafka-producer", daemon=True)
        self._thread.start()

    def try_produce(self, record: Record, reports: DeliveryReports, index: int) -> bool:
        """Enqueues a record if that is possible immediately. Returns False if not; `produce` then handles the cause."""
        if self._closed.is_set():
            return False
        try:
            self._produce(record, reports, index)
        except (BufferError, KafkaException, TypeError, ValueError):
            return False
        return True

    async def produce(self, record: Record, reports: DeliveryReports, index: int, patience: float) -> Refused | None:
        """Enqueues a record. While the queue is full it waits, so that no later record overtakes it.

        Returns the refusal, or None: then the result arrives as a delivery report.
        """
        deadline = monotonic() + patience
        while not self._closed.is_set():
            try:
                self._produce(record, reports, index)
            except BufferError:
                if monotonic() > deadline:
                    return Refused(reason="queue_full")
                await asyncio.sleep(FULL_PAUSE_SECONDS)
            except KafkaException as failed:
                return self._refused(failed.args[0])
            except (TypeError, ValueError):
                return Refused(reason="invalid_record", permanent=True)
            else:
                return None
        return Refused(reason="producer_closed")

    def close(self, grace: float) -> None:
        """Closes the producer: records in flight have `grace` seconds to arrive; the rest is reported as purged."""
        self._grace = grace
        self._closed.set()

    async def closed(self, within: float) -> bool:
        await asyncio.to_thread(self._thread.join, within)
        return not self._thread.is_alive()

    def _produce(self, record: Record, reports: DeliveryReports, index: int) -> None:
        self.producer.produce(
            record.topic,
            record.value,
            record.key,
            on_delivery=partial(reports.delivered, index),
            headers=list(record.headers),
        )

    def _refused(self, error: KafkaError) -> Refused:
        self._on_error(error)
        return refusal(error)

    def _on_error(self, error: KafkaError) -> None:
        if fatal(error):
            self.broken = error.str()
        else:
            self._link.on_error(error)

    def _on_statistics(self, text: str) -> None:
        statistics = self._link.on_statistics(text)
        self.broken = self.broken or self._known.forgotten(statistics, now=monotonic())

    def _work(self) -> None:
        while not self._closed.is_set():
            self._poll()
        with contextlib.suppress(KafkaException):
            self.producer.flush(self._grace)
        self.producer.purge()
        with contextlib.suppress(KafkaException):
            self.producer.flush(PURGE_SECONDS)
            self.producer.close()

    def _poll(self) -> None:
        try:
            self.producer.poll(POLL_SECONDS)
        except KafkaException as failed:
            # The client reports fatal errors here, in spite of the error callback.
            self._on_error(failed.args[0])
        except Exception:
            # Without this thread no batch would get its delivery reports.
            log.exception("kafka producer callback failed", action="kafka.callback_failed")
