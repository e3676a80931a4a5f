from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ordersys.domain.payments.payment import PaymentStatus
from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.infrastructure.telemetry.metrics import Metrics
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Acked, Cause, Delivery
from ordersys.messaging.inbox import Message
from ordersys.messaging.outbox import OutboxRow, PublishedRow
from ordersys.usecase.payments.ports import Intent
from tests.fakes.making import charge

ID = UUID(int=1)
CAUSE = Cause(correlation_id="c")
DELIVERY = Delivery(topic="t", partition=0, offset=7, key=None, value=None, headers={})


def published(event_type: str) -> PublishedRow:
    row = OutboxRow(
        id=1,
        event_id=EventId(ID),
        order_id=OrderId(ID),
        stream="orders",
        type=event_type,
        source="order-service",
        payload="{}",
        cause=CAUSE,
        shard=1,
        occurred_at=datetime.now(UTC),
        attempts=0,
    )
    return PublishedRow(row=row, topic="ordersys.orders", ack=Acked(partition=0, offset=1))


def message(event_type: str) -> Message:
    return Message(
        event_id=EventId(ID), order_id=OrderId(ID), type=event_type, event=Event(), cause=CAUSE, delivery=DELIVERY
    )


def letter() -> DeadLetter:
    return DeadLetter(
        consumer="order-service",
        event_id=EventId(ID),
        order_id=OrderId(ID),
        type="a.v1",
        delivery=DELIVERY,
        attempts=1,
        error="boom",
    )


Sample = tuple[str, dict[str, str]]


@pytest.mark.parametrize(
    ("happen", "sample", "value"),
    [
        (lambda m: m.created(3), ("ordersys_orders_created_total", {}), 3),
        (
            lambda m: m.published([published("a.v1"), published("a.v1"), published("b.v1")]),
            ("ordersys_outbox_events_published_total", {"type": "a.v1"}),
            2,
        ),
        (
            lambda m: m.publish_failed("_MSG_TIMED_OUT: after 4 s, 127.0.0.1:9092"),
            ("ordersys_outbox_publish_failures_total", {"reason": "_MSG_TIMED_OUT"}),
            1,
        ),
        (lambda m: m.outbox(12, 3.5), ("ordersys_outbox_pending", {}), 12),
        (lambda m: m.outbox(12, 3.5), ("ordersys_outbox_oldest_pending_seconds", {}), 3.5),
        (lambda m: m.finished("COMPLETED", 0.04), ("ordersys_orders_processed_total", {"status": "COMPLETED"}), 1),
        (lambda m: m.finished("COMPLETED", 0.04), ("ordersys_saga_duration_seconds_bucket", {"le": "0.045"}), 1),
        (lambda m: m.finished("COMPLETED", 0.04), ("ordersys_saga_duration_seconds_bucket", {"le": "0.03"}), 0),
        (lambda m: m.finished("COMPLETED", 60), ("ordersys_saga_duration_seconds_bucket", {"le": "60.0"}), 1),
        (
            lambda m: m.processed("order-service", [message("a.v1"), message("b.v1")]),
            ("ordersys_events_processed_total", {"consumer": "order-service", "type": "b.v1"}),
            1,
        ),
        (
            lambda m: m.deduplicated("order-service", 4),
            ("ordersys_events_deduplicated_total", {"consumer": "order-service"}),
            4,
        ),
        (
            lambda m: m.retried("order-service", message("a.v1"), 1, ValueError("boom")),
            ("ordersys_event_retries_total", {"consumer": "order-service"}),
            1,
        ),
        (
            lambda m: m.lag("order-service", "ordersys.orders", 9),
            ("ordersys_consumer_lag", {"consumer": "order-service", "topic": "ordersys.orders"}),
            9,
        ),
        (
            lambda m: m.payment_failed(
                Intent(charge=charge(), status=PaymentStatus.CAPTURING, cause=CAUSE), ValueError()
            ),
            ("ordersys_payment_failures_total", {"call": "capture"}),
            1,
        ),
        (lambda m: m.struck("publish.drop"), ("ordersys_chaos_faults_total", {"point": "publish.drop"}), 1),
        (lambda m: m.chaos_rate("publish.drop", 0.2), ("ordersys_chaos_rate", {"point": "publish.drop"}), 0.2),
        (
            lambda m: m.answered("POST", "/orders", 201, 0.002),
            (
                "ordersys_http_request_duration_seconds_bucket",
                {"method": "POST", "route": "/orders", "status": "201", "le": "0.0025"},
            ),
            1,
        ),
    ],
)
def test_what_happens_is_counted_under_its_public_name(
    happen: Callable[[Metrics], None], sample: Sample, value: float
) -> None:
    metrics = Metrics()

    happen(metrics)

    assert metrics.registry.get_sample_value(*sample) == value


def test_a_dead_letter_is_counted_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()

    metrics.dead_lettered("order-service", [letter()], ValueError("boom"))

    assert metrics.registry.get_sample_value("ordersys_dead_letters_total", {"consumer": "order-service"}) == 1
    assert str(ID) in capsys.readouterr().out


def test_the_text_is_what_prometheus_reads_with_process_and_platform() -> None:
    text, content_type = Metrics().render()

    names = {family.name for family in text_string_to_metric_families(text.decode())}

    assert {"ordersys_orders_created", "process_resident_memory_bytes", "python_info"} <= names
    assert not [name for name in names if name.startswith("ordersys") and name.endswith("_created_created")]
    assert content_type.startswith("text/plain")


def test_two_of_them_share_nothing() -> None:
    one, other = Metrics(), Metrics()

    one.created(1)

    assert other.registry.get_sample_value("ordersys_orders_created_total") == 0
