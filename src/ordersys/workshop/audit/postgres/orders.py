"""Invariants of orders: accepted once, moved along legal edges, ended."""

from typing import Final

from ordersys.domain.orders.order import FINAL, PATHS, Status
from ordersys.workshop.audit.postgres.check import KEPT, OLD, OVERDUE, SUBSCRIBED, InvariantCheck

UNFINISHED: Final = ", ".join(f"'{status}'" for status in Status if status not in FINAL)


def _edges() -> str:
    """Every single step that some path of the domain takes, as SQL literals `FROM>TO`."""
    steps = {f">{Status.CREATED}"}
    for (status, _), path in PATHS.items():
        steps |= {f"{before}>{after}" for before, after in zip((status, *path), path, strict=False)}
    return ", ".join(f"'{step}'" for step in sorted(steps))


ACCEPTED_ORDERS = InvariantCheck(
    name="accepted_orders",
    meaning="Every order that was accepted for a client exists and belongs to that client.",
    needs="ledger",
    checked="SELECT count(*) FROM audit_promises WHERE status BETWEEN 200 AND 299",
    broken="""
        SELECT coalesce(CAST(l.order_id AS text), l.key) AS subject, CASE
            WHEN l.order_id IS NULL THEN 'answered with ' || l.status || ' but without an order'
            WHEN o.id IS NULL THEN 'lost: accepted from ' || l.owner || ' under key ' || l.key
            ELSE 'belongs to ' || o.customer_id || ', was promised to ' || l.owner END AS reason
        FROM audit_promises AS l LEFT JOIN orders AS o ON o.id = l.order_id
        WHERE l.status BETWEEN 200 AND 299 AND o.customer_id IS DISTINCT FROM l.owner
    """,
)

ONE_ANSWER_PER_KEY = InvariantCheck(
    name="one_answer_per_key",
    meaning="A client that repeats a key, or received no response, has exactly one order for it: the stored one.",
    needs="ledger",
    checked="SELECT count(DISTINCT (owner, key)) FROM audit_promises",
    broken="""
        SELECT owner || ' / ' || key AS subject, 'answered with ' || count(DISTINCT order_id) || ' orders' AS reason
        FROM audit_promises WHERE order_id IS NOT NULL GROUP BY owner, key HAVING count(DISTINCT order_id) > 1
        UNION ALL
        SELECT l.owner || ' / ' || l.key, 'answered with order ' || l.order_id || ', remembered as '
            || coalesce(CAST(k.outcome AS jsonb)->'placed'->>'id', 'refused')
        FROM audit_promises AS l JOIN idempotency_keys AS k ON k.customer_id = l.owner AND k.key = l.key
        WHERE l.order_id IS NOT NULL
            AND CAST(l.order_id AS text) IS DISTINCT FROM CAST(k.outcome AS jsonb)->'placed'->>'id'
            AND NOT EXISTS (SELECT FROM idempotency_keys AS other WHERE other.customer_id = l.owner
                AND other.key = l.key AND CAST(other.outcome AS jsonb)->'placed'->>'id' = CAST(l.order_id AS text))
    """,
)

ONE_ORDER_PER_KEY = InvariantCheck(
    name="one_order_per_key",
    meaning="Every idempotency key belongs to one order of its customer, and every order was placed with one key.",
    checked="SELECT count(*) FROM idempotency_keys",
    broken="""
        WITH placed AS MATERIALIZED (
            SELECT customer_id, key, CAST(CAST(outcome AS jsonb)->'placed'->>'id' AS uuid) AS order_id
            FROM idempotency_keys)
        SELECT p.customer_id || ' / ' || p.key AS subject, 'stands for order ' || p.order_id || CASE
            WHEN o.id IS NULL THEN ', which does not exist' ELSE ', which is ' || o.customer_id || '''s' END AS reason
        FROM placed AS p LEFT JOIN orders AS o ON o.id = p.order_id
        WHERE p.order_id IS NOT NULL AND o.customer_id IS DISTINCT FROM p.customer_id
        UNION ALL
        SELECT CAST(o.id AS text), 'was placed under ' || count(p.key) || ' keys'
        FROM orders AS o LEFT JOIN placed AS p ON p.order_id = o.id AND p.customer_id = o.customer_id
        WHERE o.created_at > now() - CAST(:keys_kept AS float8) * interval '1 second' + interval '1 minute'
        GROUP BY o.id HAVING count(p.key) <> 1
    """,
)

HISTORY = InvariantCheck(
    name="history",
    meaning="Every order reached its status through legal transitions without a gap.",
    checked="SELECT count(*) FROM order_status_history",
    broken=f"""
        WITH steps AS MATERIALIZED (
            SELECT order_id, from_status, to_status, lag(to_status) OVER life AS before,
                lead(id) OVER life IS NULL AS last
            FROM order_status_history WINDOW life AS (PARTITION BY order_id ORDER BY id))
        SELECT CAST(order_id AS text) AS subject,
            'went from ' || coalesce(from_status, 'nothing') || ' to ' || to_status || CASE
                WHEN from_status IS DISTINCT FROM before THEN ' when it was ' || coalesce(before, 'new')
                ELSE ', which is not a legal transition' END AS reason
        FROM steps WHERE from_status IS DISTINCT FROM before
            OR coalesce(from_status, '') || '>' || to_status NOT IN ({_edges()})
        UNION ALL
        SELECT CAST(coalesce(o.id, s.order_id) AS text), CASE
            WHEN o.id IS NULL THEN 'has a history but does not exist'
            ELSE 'is ' || o.status || ', its history ends with ' || coalesce(s.to_status, 'nothing') END
        FROM orders AS o FULL JOIN (SELECT order_id, to_status FROM steps WHERE last) AS s ON s.order_id = o.id
        WHERE s.to_status IS DISTINCT FROM o.status
    """,  # noqa: S608 - constants only
)

# The first of these that applies is what the order waits for.
WAITS: Final = f"""
    coalesce(
        (SELECT w.type || CASE
                WHEN a.parked_at IS NOT NULL THEN ' is parked in the outbox as row ' || w.id || ': ' || a.last_error
                WHEN a.outbox_id IS NOT NULL THEN ' waits in the outbox as row ' || w.id || ', attempt '
                    || a.attempts || ' failed: ' || a.last_error
                ELSE ' waits in the outbox as row ' || w.id || ', no worker has published it' END
            FROM outbox AS w LEFT JOIN outbox_attempts AS a ON a.outbox_id = w.id
            WHERE w.aggregateid = o.id ORDER BY w.id LIMIT 1),
        (SELECT l.consumer || ' has ' || coalesce(l.type, 'a record') || ' as dead letter ' || l.id || ': ' || l.error
            FROM dead_letters AS l WHERE l.order_id = o.id AND l.status = 'NEW' ORDER BY l.created_at LIMIT 1),
        (SELECT r.consumer || ' has ' || r.type || ' in retry ' || r.attempts || ': ' || r.error
            FROM inbox_retries AS r WHERE r.order_id = o.id ORDER BY r.id LIMIT 1),
        (SELECT s.consumer || ' has not handled ' || e.type || ' at ' || e.topic || '[' || e.partition || ']@'
                || e."offset"
            FROM outbox_archive AS e JOIN {SUBSCRIBED} USING (type)
            WHERE e.aggregateid = o.id AND NOT EXISTS (
                SELECT FROM inbox_events AS n WHERE n.consumer = s.consumer AND n.event_id = e.event_id)
            ORDER BY e.id LIMIT 1),
        (SELECT 'the payment is ' || p.status || ', asked ' || p.attempts || ' times: '
                || coalesce(p.last_error, 'no error')
            FROM payments AS p WHERE p.order_id = o.id AND p.next_attempt_at IS NOT NULL),
        'every event about it was handled, so the next one was never made')
"""  # noqa: S608 - constants only

SAGAS_END = InvariantCheck(
    name="sagas_end",
    meaning="Every order ends in time: completed, cancelled or refunded.",
    checked="SELECT count(*) FROM orders",
    broken=f"""
        SELECT CAST(o.id AS text) AS subject, o.status || ' since ' || CAST(o.updated_at AS timestamptz(0)) || ': '
            || {WAITS} AS reason
        FROM orders AS o
        WHERE o.status IN ({UNFINISHED}) AND o.updated_at < {OLD}
            AND (o.status = '{Status.REFUND_PENDING}' OR o.created_at < {OVERDUE})
    """,  # noqa: S608 - constants only
)

ORDER_CREATED = InvariantCheck(
    name="order_created",
    meaning="Every order has one OrderCreated event, and every OrderCreated event has its order.",
    checked="SELECT count(*) FROM orders",
    broken=f"""
        SELECT CAST(coalesce(o.id, e.order_id) AS text) AS subject,
            CASE WHEN o.id IS NULL THEN 'OrderCreated ' || e.event_id || ' refers to an order that does not exist'
                ELSE 'was placed without OrderCreated' END AS reason
        FROM (SELECT id FROM orders WHERE created_at >= {KEPT}) AS o
        FULL JOIN (SELECT order_id, event_id FROM audit_events WHERE type = 'ordersys.OrderCreated.v1') AS e
            ON e.order_id = o.id
        WHERE e.order_id IS NULL OR (o.id IS NULL AND NOT EXISTS (SELECT FROM orders WHERE orders.id = e.order_id))
    """,  # noqa: S608 - constants only
)

ORDER_CHECKS: Final = (
    ACCEPTED_ORDERS,
    ONE_ANSWER_PER_KEY,
    ONE_ORDER_PER_KEY,
    ORDER_CREATED,
    HISTORY,
    SAGAS_END,
)
