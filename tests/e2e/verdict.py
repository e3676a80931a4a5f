"""Counts in the database: what would be wrong if an order, a payment or a seat were lost, done twice or stuck."""

from typing import Final

from tests.e2e.stack import Stack

WRONG: Final = {
    "orders not ended": "SELECT id FROM orders WHERE status NOT IN ('COMPLETED', 'CANCELLED')",
    "orders without their event": """
        SELECT o.id FROM orders AS o WHERE NOT EXISTS (
            SELECT FROM outbox_archive AS a WHERE a.aggregateid = o.id AND a.type = 'ordersys.OrderCreated.v1')""",
    "events made twice": "SELECT aggregateid, type FROM outbox_archive GROUP BY 1, 2 HAVING count(*) > 1",
    "events not published": "SELECT id FROM outbox",
    "completed without payment": """
        SELECT o.id FROM orders AS o LEFT JOIN payments AS p ON p.order_id = o.id AND p.status = 'AUTHORIZED'
        WHERE o.status = 'COMPLETED' AND p.order_id IS NULL""",
    "paid, but not completed": """
        SELECT p.order_id FROM payments AS p JOIN orders AS o ON o.id = p.order_id
        WHERE p.status = 'AUTHORIZED' AND o.status <> 'COMPLETED'""",
    "gateway and payments disagree": """
        SELECT key FROM gateway_charges AS g FULL JOIN payments AS p ON p.order_id = CAST(g.key AS uuid)
        WHERE (g.status = 'AUTHORIZED') IS DISTINCT FROM (p.status = 'AUTHORIZED')
            OR (p.status = 'AUTHORIZED' AND (g.amount <> p.amount OR g.authorization_id <> p.authorization_id))""",
    "orders with a wrong number of tickets": """
        SELECT o.id FROM orders AS o
        WHERE (SELECT count(*) FROM tickets AS t WHERE t.order_id = o.id AND t.status = 'VALID')
            <> CASE WHEN o.status = 'COMPLETED'
                THEN (SELECT sum(seats) FROM order_items AS i WHERE i.order_id = o.id) ELSE 0 END""",
    "seats sold twice": """
        SELECT flight_id, seat FROM tickets WHERE status = 'VALID' GROUP BY 1, 2 HAVING count(*) > 1""",
    "flights whose seats do not add up": """
        SELECT f.id FROM flights AS f WHERE f.seats_taken <> coalesce((
            SELECT sum(i.seats) FROM order_items AS i JOIN orders AS o ON o.id = i.order_id
            WHERE i.flight_id = f.id AND o.status <> 'CANCELLED'), 0)""",
    "archived events that a consumer did not handle once": """
        WITH handled (consumer, type) AS (VALUES
            ('payment-service', 'ordersys.OrderCreated.v1'), ('ticket-service', 'ordersys.PaymentAuthorized.v1'),
            ('order-service', 'ordersys.PaymentAuthorized.v1'), ('order-service', 'ordersys.PaymentDeclined.v1'),
            ('order-service', 'ordersys.TicketIssued.v1'))
        SELECT a.event_id, h.consumer FROM outbox_archive AS a JOIN handled AS h USING (type)
        LEFT JOIN inbox_events AS n ON n.event_id = a.event_id AND n.consumer = h.consumer
        WHERE n.event_id IS NULL""",
    "dead letters": "SELECT id, error FROM dead_letters",
}


def wrong(stack: Stack) -> dict[str, list[str]]:
    """Empty when all is well; else up to five examples of each thing that is wrong."""
    found = {name: stack.query(f"{statement} LIMIT 5") for name, statement in WRONG.items()}
    return {name: [str(tuple(row)) for row in rows] for name, rows in found.items() if rows}


def lost(stack: Stack, accepted: list[str]) -> list[str]:
    """Orders that a client was promised and the database does not know."""
    rows = stack.query("SELECT CAST(id AS text) AS id FROM orders WHERE id = ANY(CAST(:ids AS uuid[]))", ids=accepted)
    return sorted(set(accepted) - {row.id for row in rows})
