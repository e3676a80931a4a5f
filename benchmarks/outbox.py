"""A backlog for the relay: events of distinct orders, as the product writes them."""

import time
from typing import Final

from benchmarks.database import Database

# The shard as `messaging.outbox.shard_of` has it.
EVENTS: Final = """
    INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
    SELECT uuidv7(), 'orders', id, 'ordersys.OrderCreated.v1',
        json_build_object('order_id', id, 'customer_id', 'customer-1', 'items', json_build_array(json_build_object(
            'flight_id', id, 'seats', 1, 'unit_price', json_build_object('amount', 540000, 'currency', 'RUB'))),
            'total', json_build_object('amount', 540000, 'currency', 'RUB'), 'payment_method', 'pm_ok')::text,
        jsonb_build_object('correlation_id', id, 'causation_id', '', 'source', 'order-service',
            'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
        crc32(uuid_send(id)) % 64, now()
    FROM (SELECT uuidv7() AS id FROM generate_series(1, $1::int)) AS made
"""
DRAIN_SECONDS: Final = 90


class NotDrained(Exception):
    """The relay did not empty the outbox in time."""


def fill(database: Database, events: int) -> None:
    """In one transaction: a relay that is running sees all of them at once."""
    database.run(EVENTS, events)


def await_empty(database: Database) -> None:
    until = time.monotonic() + DRAIN_SECONDS
    while database.value("SELECT EXISTS (SELECT FROM outbox)"):
        if time.monotonic() > until:
            raise NotDrained
        time.sleep(0.1)


def last_archived(database: Database) -> int:
    """All later events have a larger number."""
    return int(database.value("SELECT coalesce(max(id), 0) FROM outbox_archive"))
