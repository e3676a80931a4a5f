"""Orders that wait for their payment, and a topic full of the events that tell of it."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import uuid_utils.compat
from confluent_kafka import Producer

from benchmarks.database import Database
from benchmarks.world import World
from ordersys.domain.payments.events import PaymentAuthorized
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money

ORDERS: Final = """
    WITH o AS (
        INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
        SELECT uuidv7(), 'customer-' || n % 50, 'CREATED', 'pm_ok', 540000, 'RUB', now(), now()
        FROM generate_series(1, $1::int) AS n RETURNING id
    ), i AS (
        INSERT INTO order_items (order_id, position, flight_id, seats, unit_amount)
        SELECT id, 0, (SELECT id FROM flights LIMIT 1), 1, 540000 FROM o
    )
    INSERT INTO order_status_history (order_id, to_status, at) SELECT id, 'CREATED', now() FROM o
"""
PRICE: Final = Money(amount=540_000, currency="RUB")


def orders(database: Database, count: int) -> list[Any]:
    """So many new orders, CREATED; their ids."""
    database.run(ORDERS, count)
    return [row[0] for row in database.rows("SELECT id FROM orders WHERE status = 'CREATED'")]


def authorize(world: World, ids: list[Any]) -> None:
    """One PaymentAuthorized for each, as the payment-service sends it."""
    producer = Producer({
        "bootstrap.servers": world.servers.kafka.server.address,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 5,
        "queue.buffering.max.messages": 1_000_000,
    })  # fmt: skip
    topic, now = f"{world.name}.{PaymentAuthorized.STREAM}", datetime.now(UTC).isoformat().encode()
    for order_id in ids:
        event = PaymentAuthorized(order_id=OrderId(order_id), amount=PRICE, authorization_id=f"auth-{order_id}")
        producer.produce(
            topic, key=str(order_id).encode(), value=msgspec.json.encode(event), headers=_headers(event, now)
        )
    producer.flush(60)


def _headers(event: PaymentAuthorized, now: bytes) -> list[tuple[str, str | bytes | None]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(uuid_utils.compat.uuid7()).encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_source", event.SOURCE.encode()),
        ("ce_subject", str(event.order_id).encode()),
        ("ce_time", now),
        ("content-type", b"application/json"),
        ("correlationid", str(event.order_id).encode()),
        ("causationid", b""),
        ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
