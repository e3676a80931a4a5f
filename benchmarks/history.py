"""Finished orders, as many as wanted, with all that a saga leaves behind: 15 rows each, made in the database."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.world import World

# Few enough that each has a full page of orders, also when there are but ten thousand.
CUSTOMERS: Final = 400
WORKERS: Final = 2
# Which order is which: all other statements look it up there.
MADE: Final = "CREATE UNLOGGED TABLE made (n bigint, id uuid, at timestamptz)"
# Reads cost the same, and several gigabytes of WAL need not be written for them. Items first: they refer to the orders.
UNLOGGED: Final = """
    DO $$ DECLARE part regclass; BEGIN
        FOR part IN SELECT unnest(ARRAY['order_items', 'orders', 'order_status_history', 'payments', 'tickets',
                'inbox_events']::regclass[])
            UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'outbox_archive'::regclass
        LOOP EXECUTE format('ALTER TABLE %s SET UNLOGGED', part); END LOOP;
    END $$
"""
MAKE: Final = """
    INSERT INTO made SELECT n, uuidv7(), now() - interval '7 days' + n * interval '100 milliseconds'
    FROM generate_series($1::bigint, $2::bigint) AS n
"""
INDEX: Final = "CREATE INDEX IF NOT EXISTS made_n ON made (n)"
OF: Final = "FROM made WHERE n BETWEEN $1::bigint AND $2::bigint"
WITH: Final = OF.replace("WHERE", ", (VALUES {values}) AS {columns} WHERE")

ORDERS: Final = f"""
    INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
    SELECT id, 'customer-' || n % {CUSTOMERS}, 'COMPLETED', 'pm_ok', 540000, 'RUB', at, at {OF}
"""
ITEMS: Final = f"""
    INSERT INTO order_items (order_id, position, flight_id, seats, unit_amount) SELECT id, 0, id, 1, 540000 {OF}
"""
PAYMENTS: Final = f"""
    INSERT INTO payments (order_id, method, amount, currency, status, authorization_id, attempts, cause, created_at,
        updated_at)
    SELECT id, 'pm_ok', 540000, 'RUB', 'CAPTURED', 'auth-' || n, 1, '{{}}', at, at {OF}
"""
TICKETS: Final = f"""
    INSERT INTO tickets (number, order_id, ordinal, flight_id, seat_number, seat, status, issued_at)
    SELECT '999' || lpad(n::text, 10, '0'), id, 1, id, 1, '1A', 'VALID', at {OF}
"""
STEPS: Final = """('orders', 'OrderCreated', 'order-service'), ('payments', 'PaymentAuthorized', 'payment-service'),
    ('tickets', 'TicketIssued', 'ticket-service')"""
ARCHIVE: Final = f"""
    INSERT INTO outbox_archive (id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at, topic,
        partition, "offset", attempts, published_at)
    SELECT n, uuidv7(), stream, id, 'ordersys.' || type || '.v1', repeat('x', 300),
        jsonb_build_object('correlation_id', n::text, 'causation_id', '', 'source', source, 'traceparent', ''),
        at, stream, n % 6, n, 1, now()
    {WITH.format(values=STEPS, columns="step (stream, type, source)")}
"""
MOVES: Final = "(NULL, 'CREATED'), ('CREATED', 'PAYMENT_AUTHORIZED'), ('PAYMENT_AUTHORIZED', 'COMPLETED')"
CHANGES: Final = f"""
    INSERT INTO order_status_history (order_id, from_status, to_status, at) SELECT id, before, after, at
    {WITH.format(values=MOVES, columns="move (before, after)")}
"""
HANDLED: Final = """('payment-service', 'OrderCreated'), ('order-service', 'PaymentAuthorized'),
    ('ticket-service', 'PaymentAuthorized'), ('order-service', 'TicketIssued'), ('payment-service', 'TicketIssued')"""
INBOX: Final = f"""
    INSERT INTO inbox_events (consumer, event_id, type, order_id, processed_at)
    SELECT consumer, uuidv7(), 'ordersys.' || type || '.v1', id, at
    {WITH.format(values=HANDLED, columns="handled (consumer, type)")}
"""
TABLES: Final = {
    "inbox_events": INBOX,
    "outbox_archive": ARCHIVE,
    "order_status_history": CHANGES,
    "order_items": ITEMS,
    "payments": PAYMENTS,
    "tickets": TICKETS,
}


def add(world: World, first: int, last: int) -> None:
    """Orders `first` to `last`, over two connections, each table vacuumed and analysed."""
    with world.database() as database:
        database.run("SET synchronous_commit = off")
        if first == 1:
            database.run(MADE)
            database.run(UNLOGGED)
        database.run(MAKE, first, last)
        database.run(INDEX)
        database.run("ANALYZE made")
    # The items' foreign key wants the orders to be there.
    _insert(world, "orders", ORDERS, first, last)
    with ThreadPoolExecutor(WORKERS) as pool:
        done = [pool.submit(_insert, world, table, statement, first, last) for table, statement in TABLES.items()]
        for one in done:
            one.result()


def ids(world: World, count: int, total: int) -> list[tuple[str, int]]:
    """So many orders of the `total`, in no order: each with the number of its customer."""
    with world.database() as database:
        rows = database.rows(
            f"SELECT id, n % {CUSTOMERS} AS customer FROM made WHERE n <= $2"  # noqa: S608 - our own number
            " ORDER BY hashint8(n) LIMIT $1",
            count,
            total,
        )
        return [(str(row["id"]), row["customer"]) for row in rows]


def _insert(world: World, table: str, statement: str, first: int, last: int) -> None:
    with world.database() as database:
        # Nobody is told that these are there, so they need not be durable when the statement ends.
        database.run("SET synchronous_commit = off")
        database.run(statement, first, last)
        database.run(f"VACUUM (ANALYZE) {table}")
