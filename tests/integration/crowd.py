"""Databases with many orders in them, made in seconds: `orders` of them, all their rows, and what waits in queues."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from string import Template
from typing import Final
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ordersys.domain.shared.ids import CustomerId, OrderId
from ordersys.infrastructure.postgres.partitions import ensure_days
from ordersys.messaging.outbox import SHARDS
from tests.servers import PostgresServer

ARCHIVE_DAYS: Final = 30
# Every tenth order is of one customer, and so was every tenth of the older half; the others have up to twenty each.
AGENCY: Final = CustomerId("agency")
FORMER: Final = CustomerId("former")
# These last ones are under way: their payments are asked for, and their deadlines have passed.
UNDER_WAY: Final = 1000

# Two lists, loaded at the same time; see `_filled`.
LOADS: Final[Sequence[Sequence[str]]] = (
    (
        """INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
            SELECT $order, CASE WHEN n % 10 = 0 THEN '$agency'
                WHEN n % 10 = 1 AND n < $orders / 2 THEN '$former' ELSE 'c' || n / 20 END,
                CASE WHEN $open THEN 'CREATED' ELSE 'COMPLETED' END, 'pm_ok', 1000, 'RUB', $at, $at
            FROM generate_series(1, $orders) AS n""",
        """INSERT INTO order_items (order_id, position, flight_id, seats, unit_amount)
            SELECT $order, 0, $flight, 1, 1000 FROM generate_series(1, $orders) AS n""",
        """INSERT INTO order_status_history (order_id, to_status, at)
            SELECT $order, 'CREATED', $at FROM generate_series(1, $orders) AS n""",
        """INSERT INTO payments (order_id, method, amount, currency, status, next_attempt_at, cause, created_at,
                updated_at)
            SELECT $order, 'pm_ok', 1000, 'RUB', CASE WHEN $open THEN 'REQUESTED' ELSE 'CAPTURED' END,
                CASE WHEN $open THEN $at END, '$cause', $at, $at
            FROM generate_series(1, $orders) AS n""",
        """INSERT INTO idempotency_keys (customer_id, route, key, fingerprint, outcome, created_at)
            SELECT 'c' || n / 20, 'POST /orders', $event, 'f', '{}', $at FROM generate_series(1, $orders, 4) AS n""",
    ),
    (
        """INSERT INTO inbox_events (consumer, event_id, type, order_id, processed_at)
            SELECT 'order-service', $event, 't', $order, $at FROM generate_series(1, $orders) AS n""",
        """INSERT INTO outbox_archive (id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at,
                topic, partition, "offset", attempts, published_at)
            SELECT n, $event, 'orders', $order, 't', '{}', '$cause', now(), 't', 0, n, 1,
                now() - ($orders - n) * interval '$days days' / $orders
            FROM generate_series(1, $orders) AS n""",
        """INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
            SELECT $event, 'orders', $order, 't', '{}', '$cause', n % $shards, now()
            FROM generate_series(1, $orders, 4) AS n""",
        """INSERT INTO tickets (number, order_id, ordinal, flight_id, seat_number, seat, status, issued_at)
            SELECT '999' || lpad(CAST(n AS text), 10, '0'), $order, 0, $flight, n, '1A', 'VALID', $at
            FROM generate_series(1, $orders) AS n""",
        """INSERT INTO ticketings (order_id, status, created_at, updated_at)
            SELECT $order, 'ISSUED', $at, $at FROM generate_series(1, $orders) AS n""",
        """INSERT INTO inbox_retries (consumer, event_id, order_id, type, topic, partition, "offset", headers, attempts,
                next_attempt_at, error, created_at)
            SELECT 'order-service', gen_random_uuid(), $order, 't', 't', 0, n, '{}', 1, $at, 'e', $at
            FROM generate_series(1, $orders, 10) AS n""",
        """INSERT INTO dead_letters (id, consumer, event_id, order_id, type, topic, partition, "offset", headers,
                attempts, error, status, created_at)
            SELECT gen_random_uuid(), 'order-service', gen_random_uuid(), $order, 't', 't', 0, n, '{}', 5, 'e', 'NEW',
                $at
            FROM generate_series(1, $orders, 100) AS n""",
    ),
)  # fmt: skip
_ID: Final = "CAST('{}-0000-7000-8000-' || lpad(to_hex({}), 12, '0') AS uuid)"
_WORDS: Final = {
    "order": _ID.format("00000000", "n"),
    "event": _ID.format("0000000e", "n"),
    "flight": _ID.format("0000000f", "n % 1000"),
    "agency": AGENCY,
    "former": FORMER,
    "cause": '{"source": "order-service", "correlation_id": "c"}',
    "days": ARCHIVE_DAYS - 1,
    "shards": SHARDS,
}
# REINDEX wakes them.
ASLEEP: Final = """
    UPDATE pg_index SET indisready = false, indisvalid = false
    WHERE indrelid = '{table}'::regclass OR indrelid IN (SELECT relid FROM pg_partition_tree('{table}') WHERE isleaf)
"""


def order_number(n: int) -> OrderId:
    return OrderId(UUID(f"00000000-0000-7000-8000-{n:012x}"))


def _filled(statement: str, orders: int) -> str:
    """The later the number, the later the moment: a second apart, the last one an hour ago."""
    at = f"now() - interval '1 hour' - ({orders} - n) * interval '1 second'"
    return Template(statement).substitute(_WORDS, orders=orders, at=at, open=f"n > {orders - UNDER_WAY}")


@contextmanager
def crowd(server: PostgresServer, template: str, orders: int) -> Iterator[str]:
    """The URL of a migrated database with so many orders."""
    name = f"crowd_{orders}"
    admin = server.admin_url
    _apart(
        _run(
            admin,
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            f"CREATE DATABASE {name} TEMPLATE {template} OWNER ordersys",
        )
    )
    _apart(_fill(f"{admin.rpartition('/')[0]}/{name}", orders))
    yield server.url(name)
    server.start()
    _apart(_run(admin, f"DROP DATABASE {name} WITH (FORCE)"))


async def _fill(url: str, orders: int) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await ensure_days(connection, (datetime.now(UTC) - timedelta(days=ARCHIVE_DAYS)).date(), ahead=ARCHIVE_DAYS + 7)
    await asyncio.gather(*(_load(url, statements, orders) for statements in LOADS))
    await engine.dispose()
    await _run(url, "ANALYZE")


async def _load(url: str, statements: Sequence[str], orders: int) -> None:
    # No foreign keys are checked, and the indexes are made anew when the rows are there: a third of the time.
    steps = ["SET session_replication_role = replica", "SET maintenance_work_mem = '256MB'"]
    for statement in statements:
        table = statement.split()[2]
        steps += [ASLEEP.format(table=table), _filled(statement, orders), f"REINDEX TABLE {table}"]
    await _run(url, *steps)


async def _run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def _apart(unit_of_work: Coroutine[object, object, None]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, unit_of_work).result()
