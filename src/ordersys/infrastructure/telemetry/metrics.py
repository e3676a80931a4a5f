"""The metrics of a process. Names and labels are public: dashboards and alerts rely on them."""

import logging
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Final

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from ordersys.domain.payments.payment import CALLS
from ordersys.infrastructure.telemetry.trace import parse
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.inbox import Message
from ordersys.messaging.outbox import PublishedRow
from ordersys.messaging.retry_queue import RetryableMessage
from ordersys.usecase.payments.ports import Intent

SAGA_BUCKETS: Final = (0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60)
HTTP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Otherwise every counter would have a twin, and one of them the name ordersys_orders_created_created.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
log = structlog.get_logger()


class Metrics:
    """One per process, over a registry of its own. Is the meter of the relay, of the consumers and of the use cases."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collect in (ProcessCollector, PlatformCollector, GCCollector):
            collect(registry=self.registry)
        self._define_orders()
        self._define_outbox()
        self._define_consumers()

    def render(self) -> tuple[bytes, str]:
        """Returns the exposition for Prometheus, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def created(self, count: int) -> None:
        self._orders_created.inc(count)

    def finished(self, status: str, seconds: float) -> None:
        """Counts an order that reached a final status `seconds` after it was created."""
        self._orders_processed.labels(status).inc()
        self._saga_duration.observe(seconds)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the pattern, never the raw path: each distinct label value is a time series of its own."""
        self._http_requests.labels(method, route, str(status)).observe(seconds)

    def published(self, rows: Sequence[PublishedRow]) -> None:
        for event_type, count in Tally(row.row.type for row in rows).items():
            self._published.labels(event_type).inc(count)

    def publish_failed(self, reason: str) -> None:
        """Only the part of `reason` before a colon becomes a label; the rest is detail."""
        self._publish_failures.labels(reason.partition(":")[0][:60]).inc()

    def outbox(self, pending: int, oldest_seconds: float) -> None:
        self._outbox_pending.set(pending)
        self._outbox_oldest.set(oldest_seconds)

    def processed(self, consumer: str, messages: Sequence[Message]) -> None:
        for event_type, count in Tally(message.type for message in messages).items():
            self._events_processed.labels(consumer, event_type).inc(count)
        if log.is_enabled_for(logging.DEBUG):
            for message in messages:
                log.debug("event handled", action="event.handled", consumer=consumer, **_ids(message))

    def deduplicated(self, consumer: str, count: int) -> None:
        self._events_deduplicated.labels(consumer).inc(count)

    def retried(self, consumer: str, message: RetryableMessage, attempts: int, error: BaseException) -> None:
        """The stack trace is logged when the event becomes a dead letter."""
        self._event_retries.labels(consumer).inc()
        log.warning(
            "event will be retried",
            action="event.retried",
            consumer=consumer,
            event_id=message.event_id,
            order_id=message.order_id,
            attempts=attempts,
            reason=f"{type(error).__name__}: {error}",
        )

    def dead_lettered(self, consumer: str, letters: Sequence[DeadLetter], error: BaseException | None) -> None:
        """Counts and logs dead letters; a handler's error is logged here, once."""
        self._dead_letters.labels(consumer).inc(len(letters))
        for letter in letters:
            log.error(
                "event became a dead letter",
                action="event.dead_lettered",
                consumer=consumer,
                event_id=letter.event_id,
                order_id=letter.order_id,
                reason=letter.error,
                exc_info=error,
            )

    def payment_failed(self, intent: Intent, error: Exception) -> None:
        """Counts and logs every attempt: nothing else shows that the payment makes no progress."""
        call = CALLS[intent.status]
        self._payment_failures.labels(call).inc()
        log.error(
            "payment failed; it will be retried when its lease expires",
            action="payment.failed",
            order_id=intent.charge.order_id,
            call=str(call),
            attempts=intent.attempts,
            exc_info=error,
        )

    def lag(self, consumer: str, topic: str, records: int) -> None:
        self._consumer_lag.labels(consumer, topic).set(records)

    def struck(self, point: str) -> None:
        """Counts an injected fault."""
        self._chaos_faults.labels(point).inc()

    def chaos_rate(self, point: str, rate: float) -> None:
        """Sets the current fault rate of this process."""
        self._chaos_rate.labels(point).set(rate)

    def _define_orders(self) -> None:
        self._orders_created = self._counter("orders_created", "Orders accepted.")
        self._orders_processed = self._counter("orders_processed", "Orders that reached a final status.", "status")
        self._saga_duration = self._histogram(
            "saga_duration_seconds", "Seconds from the creation of an order to its final status.", SAGA_BUCKETS
        )
        self._http_requests = self._histogram(
            "http_request_duration_seconds",
            "Duration of HTTP requests in seconds.",
            HTTP_BUCKETS,
            "method",
            "route",
            "status",
        )
        self._payment_failures = self._counter(
            "payment_failures", "Attempts to process a payment that failed with an unexpected error.", "call"
        )
        self._chaos_faults = self._counter("chaos_faults", "Injected faults.", "point")
        self._chaos_rate = self._gauge(
            "chaos_rate", "Current probability of an injected fault in this process.", "point"
        )

    def _define_outbox(self) -> None:
        self._published = self._counter("outbox_events_published", "Events acknowledged by the broker.", "type")
        self._publish_failures = self._counter("outbox_publish_failures", "Failed attempts to publish.", "reason")
        self._outbox_pending = self._gauge("outbox_pending", "Events in the outbox that are not published yet.")
        self._outbox_oldest = self._gauge(
            "outbox_oldest_pending_seconds", "Age of the oldest unpublished event in seconds."
        )

    def _define_consumers(self) -> None:
        self._events_processed = self._counter("events_processed", "Events handled successfully.", "consumer", "type")
        self._events_deduplicated = self._counter(
            "events_deduplicated", "Duplicate events discarded by the inbox.", "consumer"
        )
        self._event_retries = self._counter(
            "event_retries", "Failed attempts after which the event is retried.", "consumer"
        )
        self._dead_letters = self._counter("dead_letters", "Events that became dead letters.", "consumer")
        self._consumer_lag = self._gauge(
            "consumer_lag", "Records between the consumer's position and the end of the topic.", "consumer", "topic"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ordersys_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ordersys_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"ordersys_{name}", text, labels, buckets=buckets, registry=self.registry)


def _ids(message: Message) -> dict[str, object]:
    trace = parse(message.cause.traceparent)
    return {
        "order_id": message.order_id,
        "event_id": message.event_id,
        "event_type": message.type,
        "trace_id": trace and trace.trace_id,
    }
