"""Invariants of events on their way: written with what they tell of, published, handled once by everybody."""

from typing import Final

from ordersys.domain.orders.events import OrderCancelled, OrderCreated, RefundRequested
from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined, PaymentRefunded, PaymentVoided
from ordersys.domain.tickets.events import TicketIssued, TicketRejected, TicketVoided
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from ordersys.workshop.audit.postgres.check import KEPT, OLD, SUBSCRIBED, InvariantCheck

ONCE = InvariantCheck(
    name="events_once",
    meaning="Every event was created once: one of each type per order, one id per event.",
    checked="SELECT count(*) FROM audit_events",
    broken="""
        SELECT CAST(order_id AS text) AS subject, 'has ' || count(*) || ' x ' || type AS reason
        FROM audit_events WHERE stream <> 'dlq' GROUP BY order_id, type HAVING count(*) > 1
        UNION ALL
        SELECT CAST(event_id AS text), 'is the id of ' || count(*) || ' events of different kinds or orders'
        FROM audit_events WHERE stream <> 'dlq' GROUP BY event_id HAVING count(DISTINCT (order_id, type)) > 1
    """,
)

# What a row says happened, and the event that was to be written with it.
TOLD: Final = f"""
    SELECT order_id, '{PaymentAuthorized.TYPE}' AS type, created_at FROM payments WHERE authorization_id IS NOT NULL
    UNION ALL SELECT order_id, '{PaymentDeclined.TYPE}', created_at FROM payments WHERE status = 'DECLINED'
    UNION ALL SELECT order_id, '{PaymentRefunded.TYPE}', created_at FROM payments WHERE status = 'REFUNDED'
    -- One that was given up before it was requested was never asked for: nobody waits to hear of it.
    UNION ALL SELECT order_id, '{PaymentVoided.TYPE}', created_at FROM payments WHERE status = 'VOIDED' AND attempts > 0
    UNION ALL SELECT order_id, '{TicketRejected.TYPE}', created_at FROM ticketings WHERE status = 'REJECTED'
    UNION ALL SELECT order_id, '{TicketIssued.TYPE}', created_at FROM ticketings AS t WHERE status = 'ISSUED'
        OR (status = 'VOIDED' AND EXISTS (SELECT FROM tickets WHERE tickets.order_id = t.order_id))
    UNION ALL SELECT order_id, '{TicketVoided.TYPE}', created_at FROM ticketings AS t WHERE status = 'VOIDED'
        AND EXISTS (SELECT FROM tickets WHERE tickets.order_id = t.order_id)
    UNION ALL SELECT order_id, '{OrderCancelled.TYPE}', at FROM order_status_history
        WHERE to_status = 'CANCELLED' AND event_id IS NULL
    UNION ALL SELECT order_id, '{RefundRequested.TYPE}', at FROM order_status_history
        WHERE to_status = 'REFUND_PENDING'
"""  # noqa: S608 - constants only

EVENTS_TOLD = InvariantCheck(
    name="events_told",
    meaning="Every change has its event, and every event has its change.",
    checked="SELECT count(*) FROM audit_events WHERE stream <> 'dlq'",
    broken=f"""
        SELECT CAST(coalesce(t.order_id, e.order_id) AS text) AS subject,
            coalesce(t.type || ' was never written', e.type || ' has no corresponding change') AS reason
        FROM ({TOLD}) AS t
        FULL JOIN (SELECT DISTINCT order_id, type FROM audit_events
            WHERE stream <> 'dlq' AND type <> '{OrderCreated.TYPE}') AS e USING (order_id, type)
        WHERE t.order_id IS NULL OR (e.order_id IS NULL AND t.created_at >= {KEPT})
    """,  # noqa: S608 - constants only
)

OUTBOX_DRAINED = InvariantCheck(
    name="outbox_drained",
    meaning="Every event is published in time; none is parked, and no attempt remains without its event.",
    checked="SELECT count(*) FROM audit_events",
    broken=f"""
        SELECT CAST(e.event_id AS text) AS subject, e.type || ' of order ' || e.aggregateid || ', outbox row ' || e.id
            || CASE WHEN a.parked_at IS NOT NULL THEN ', is parked: ' || a.last_error
                ELSE ', waits since ' || CAST(e.occurred_at AS timestamptz(0)) || ', '
                    || coalesce('attempt ' || a.attempts || ' failed: ' || a.last_error, 'never tried') END AS reason
        FROM outbox AS e LEFT JOIN outbox_attempts AS a ON a.outbox_id = e.id
        WHERE a.parked_at IS NOT NULL OR e.occurred_at < {OLD}
        UNION ALL
        SELECT CAST(a.order_id AS text), 'attempt at outbox row ' || a.outbox_id
            || ', which is gone, blocks later events of the order'
        FROM outbox_attempts AS a WHERE NOT EXISTS (SELECT FROM outbox WHERE outbox.id = a.outbox_id)
    """,  # noqa: S608 - constants only
)

# The tables of retries and dead letters are all but empty, so they are asked for the few that the inbox has not.
RETRYING: Final = "SELECT FROM inbox_retries AS r WHERE r.consumer = s.consumer AND r.event_id = e.event_id"
# A replayed letter is one no more: the message is a retry again, or handled.
DEAD: Final = """
    SELECT FROM dead_letters AS l WHERE l.consumer = s.consumer AND l.status <> 'REPLAYED' AND (l.event_id = e.event_id
        OR (l.event_id IS NULL AND l.topic = e.topic AND l.partition = e.partition AND l."offset" = e."offset"))
"""

HANDLED_ONCE = InvariantCheck(
    name="handled_once",
    meaning="For each of its consumers, a published event is exactly one of: handled, queued for retry, dead letter.",
    checked=f"SELECT count(*) FROM audit_events AS e JOIN {SUBSCRIBED} USING (type) WHERE e.topic IS NOT NULL",  # noqa: S608
    broken=f"""
        SELECT CAST(e.event_id AS text) AS subject, s.consumer || ' has lost ' || type || ' of order ' || e.order_id
            || ' at ' || e.topic || '[' || e.partition || ']@' || e."offset" AS reason
        FROM audit_events AS e JOIN {SUBSCRIBED} USING (type)
        WHERE e.topic IS NOT NULL AND e.published_at < {OLD} AND e.occurred_at >= {KEPT}
            AND NOT EXISTS (SELECT FROM inbox_events AS n WHERE n.consumer = s.consumer AND n.event_id = e.event_id)
            AND NOT EXISTS ({RETRYING}) AND NOT EXISTS ({DEAD})
        UNION ALL
        SELECT CAST(event_id AS text), consumer || ' has ' || min(type) || ' in several places: '
            || string_agg(place, ', ' ORDER BY place)
        FROM (
            SELECT r.consumer, r.event_id, r.type, 'retry ' || r.attempts AS place
            FROM inbox_retries AS r WHERE r.created_at < {OLD}
            UNION ALL SELECT l.consumer, l.event_id, l.type, 'dead letter ' || l.id FROM dead_letters AS l
            WHERE l.event_id IS NOT NULL AND l.status <> 'REPLAYED'
            UNION ALL SELECT n.consumer, n.event_id, n.type, 'inbox' FROM inbox_events AS n WHERE EXISTS (
                SELECT FROM inbox_retries AS r
                WHERE r.consumer = n.consumer AND r.event_id = n.event_id AND r.created_at < {OLD})
                OR EXISTS (SELECT FROM dead_letters AS l
                    WHERE l.consumer = n.consumer AND l.event_id = n.event_id AND l.status <> 'REPLAYED')
        ) AS places GROUP BY consumer, event_id HAVING count(*) > 1
        UNION ALL
        SELECT CAST(n.event_id AS text), n.consumer || ' has handled ' || n.type || ' of order ' || n.order_id
            || ', an event that was never written'
        FROM inbox_events AS n WHERE coalesce(uuid_extract_timestamp(n.event_id), n.processed_at) >= {KEPT}
            AND NOT EXISTS (SELECT FROM audit_events AS e WHERE e.event_id = n.event_id)
    """,  # noqa: S608 - constants only
)

HELD: Final = "('REQUESTED', 'AUTHORIZED', 'CAPTURING', 'CAPTURED')"
# What must be seen once a consumer says that it has handled an event; true: it is not.
UNDONE: Final = f"""
    CASE n.consumer || '/' || n.type
        WHEN '{PAYMENT_SERVICE}/{OrderCreated.TYPE}' THEN p.order_id IS NULL
        WHEN '{PAYMENT_SERVICE}/{TicketIssued.TYPE}' THEN coalesce(p.status, 'REQUESTED') IN ('REQUESTED', 'AUTHORIZED')
        WHEN '{PAYMENT_SERVICE}/{TicketRejected.TYPE}' THEN p.status IN {HELD}
        WHEN '{PAYMENT_SERVICE}/{TicketVoided.TYPE}' THEN p.status IN {HELD}
        WHEN '{PAYMENT_SERVICE}/{OrderCancelled.TYPE}' THEN p.order_id IS NULL OR p.status IN {HELD}
        WHEN '{TICKET_SERVICE}/{PaymentAuthorized.TYPE}' THEN t.order_id IS NULL
        WHEN '{TICKET_SERVICE}/{OrderCancelled.TYPE}' THEN coalesce(t.status, 'ISSUED') = 'ISSUED'
        WHEN '{TICKET_SERVICE}/{RefundRequested.TYPE}' THEN coalesce(t.status, 'ISSUED') = 'ISSUED'
        WHEN '{ORDER_SERVICE}/{PaymentAuthorized.TYPE}' THEN o.status = 'CREATED'
        WHEN '{ORDER_SERVICE}/{TicketIssued.TYPE}' THEN o.status IN ('CREATED', 'PAYMENT_AUTHORIZED')
        WHEN '{ORDER_SERVICE}/{PaymentDeclined.TYPE}' THEN o.status <> 'CANCELLED'
        WHEN '{ORDER_SERVICE}/{TicketRejected.TYPE}' THEN o.status <> 'CANCELLED'
        WHEN '{ORDER_SERVICE}/{PaymentVoided.TYPE}' THEN o.status <> 'CANCELLED'
        WHEN '{ORDER_SERVICE}/{PaymentRefunded.TYPE}' THEN o.status NOT IN ('CANCELLED', 'REFUNDED')
    END
"""

EFFECTS_DONE = InvariantCheck(
    name="effects_done",
    meaning="Every inbox row has its effect, and every effect has its inbox row.",
    checked="SELECT count(*) FROM inbox_events",
    broken=f"""
        SELECT CAST(n.event_id AS text) AS subject, n.consumer || ' has handled ' || n.type || ' of order '
            || n.order_id || ', but order, payment, tickets are ' || coalesce(o.status, 'missing') || ', '
            || coalesce(p.status, 'missing') || ', ' || coalesce(t.status, 'missing') AS reason
        FROM inbox_events AS n LEFT JOIN orders AS o ON o.id = n.order_id
        LEFT JOIN payments AS p ON p.order_id = n.order_id LEFT JOIN ticketings AS t ON t.order_id = n.order_id
        WHERE {UNDONE}
        UNION ALL
        SELECT CAST(p.order_id AS text), 'has a payment that no event asked for' FROM payments AS p
        WHERE p.created_at >= {KEPT} AND NOT EXISTS (SELECT FROM inbox_events AS n
            WHERE n.consumer = '{PAYMENT_SERVICE}' AND n.order_id = p.order_id)
        UNION ALL
        SELECT CAST(t.order_id AS text), 'has tickets that no event asked for' FROM ticketings AS t
        WHERE t.created_at >= {KEPT} AND NOT EXISTS (SELECT FROM inbox_events AS n
            WHERE n.consumer = '{TICKET_SERVICE}' AND n.order_id = t.order_id)
        UNION ALL
        SELECT CAST(h.order_id AS text), 'became ' || h.to_status || ' by an event that order-service has not marked'
        FROM order_status_history AS h
        WHERE h.event_id IS NOT NULL AND h.at >= {KEPT} AND NOT EXISTS (SELECT FROM inbox_events AS n
            WHERE n.consumer = '{ORDER_SERVICE}' AND n.event_id = h.event_id)
    """,  # noqa: S608 - constants only
)

RETRIES_DUE = InvariantCheck(
    name="retries_due",
    meaning="A queued message is retried when it is due, and waits only behind an earlier one of its order.",
    checked="SELECT count(*) FROM inbox_retries",
    broken=f"""
        SELECT CAST(r.event_id AS text) AS subject, r.consumer || ' should have tried ' || r.type || ' of order '
            || r.order_id || ' again at ' || CAST(r.next_attempt_at AS timestamptz(0)) || ', retry ' || r.attempts
            || ': ' || r.error AS reason
        FROM inbox_retries AS r WHERE r.next_attempt_at < {OLD} AND NOT EXISTS (SELECT FROM inbox_retries AS earlier
            WHERE earlier.consumer = r.consumer AND earlier.order_id = r.order_id AND earlier.id < r.id)
    """,  # noqa: S608 - constants only
)

DEAD_LETTERS_TOLD = InvariantCheck(
    name="dead_letters_told",
    meaning="A message becomes a dead letter only after all its attempts, and every dead letter is in its topic.",
    checked="SELECT count(*) FROM dead_letters",
    broken=f"""
        SELECT CAST(l.id AS text) AS subject, l.consumer || ' gave up ' || l.type || ' of order ' || l.order_id
            || ' after ' || l.attempts || ' attempts: ' || l.error AS reason
        FROM dead_letters AS l
        WHERE l.event_id IS NOT NULL AND l.attempts < :attempts AND l.error NOT LIKE 'Unreadable%'
        UNION ALL
        -- A copy is known by its own id alone, so they are counted.
        SELECT letters || ' dead letters', 'have ' || copies || ' copies in outbox and topic'
        FROM (SELECT count(*) AS letters FROM dead_letters WHERE created_at >= {KEPT}) AS l,
            (SELECT count(DISTINCT order_id) AS copies FROM audit_events WHERE stream = 'dlq') AS c
        WHERE letters > copies
    """,  # noqa: S608 - constants only
)

MESSAGE_CHECKS: Final = (ONCE, EVENTS_TOLD, OUTBOX_DRAINED, HANDLED_ONCE, EFFECTS_DONE, RETRIES_DUE, DEAD_LETTERS_TOLD)
