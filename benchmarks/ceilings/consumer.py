"""The consumer without Kafka and without a domain: its SQL alone, batch by batch, over one connection.

Per batch one transaction: inbox, lock the orders, change them, write their history.
`python -m benchmarks.ceilings.consumer DSN BATCH` takes all orders that are CREATED; answers JSON.
"""

import json
import sys
import time
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
import uuid_utils.compat

from ordersys.cli.frame import complete

INBOX: Final = """
    INSERT INTO inbox_events (consumer, event_id, type, order_id, processed_at)
    SELECT 'order-service', event_id, 'ordersys.PaymentAuthorized.v1', order_id, now()
    FROM unnest($1::uuid[], $2::uuid[]) AS event (event_id, order_id)
    ORDER BY event_id ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id
"""
LOCK: Final = "SELECT * FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
CHANGE: Final = """
    UPDATE orders SET status = 'PAYMENT_AUTHORIZED', updated_at = now() FROM unnest($1::uuid[]) AS changed (id)
    WHERE orders.id = changed.id
"""
HISTORY: Final = """
    INSERT INTO order_status_history (order_id, from_status, to_status, event_id, at)
    SELECT order_id, 'CREATED', 'PAYMENT_AUTHORIZED', event_id, now()
    FROM unnest($1::uuid[], $2::uuid[]) AS change (event_id, order_id)
"""


async def work(dsn: str, batch: int) -> dict[str, float]:
    connection = await asyncpg.connect(dsn)
    orders = [row[0] for row in await connection.fetch("SELECT id FROM orders WHERE status = 'CREATED' ORDER BY id")]
    inbox, lock, change, history = [await connection.prepare(one) for one in (INBOX, LOCK, CHANGE, HISTORY)]
    began = time.perf_counter()
    for start in range(0, len(orders), batch):
        ids = orders[start : start + batch]
        events = [uuid_utils.compat.uuid7() for _ in ids]
        async with connection.transaction():
            await inbox.fetch(events, ids)
            await lock.fetch(ids)
            await change.fetch(ids)
            await history.fetch(events, ids)
    seconds = time.perf_counter() - began
    await connection.close()
    return {"rate": len(orders) / seconds}


if __name__ == "__main__":
    print(json.dumps(complete(work(sys.argv[1], int(sys.argv[2])))))
