"""Invariants of money, tickets and seats: what is kept is what was bought, no more and no less."""

from typing import Final

from ordersys.domain.orders.order import WITHOUT_SEATS
from ordersys.domain.payments.payment import CALLS, GIVEN_UP, PaymentStatus
from ordersys.workshop.audit.postgres.check import OLD, OVERDUE, InvariantCheck

GIVEN_BACK: Final = ", ".join(f"'{status}'" for status in sorted(WITHOUT_SEATS))
ASKING: Final = ", ".join(f"'{status}'" for status in CALLS)
RELEASING: Final = ", ".join(f"'{status}'" for status in sorted(GIVEN_UP))
KNOWN: Final = ", ".join(f"'{status}'" for status in PaymentStatus)

# `payment>gateway`: what the gateway's books may say of a payment that is so far. While it is being asked, it may be
# ahead of us.
AGREED: Final = (
    *("REQUESTED>", "REQUESTED>FAILED", "REQUESTED>AUTHORIZED", "REQUESTED>DECLINED"),
    *("AUTHORIZED>AUTHORIZED", "DECLINED>DECLINED", "DECLINED>"),
    *("CAPTURING>AUTHORIZED", "CAPTURING>CAPTURED", "CAPTURED>CAPTURED"),
    *("VOIDING>", "VOIDING>FAILED", "VOIDING>AUTHORIZED", "VOIDING>DECLINED", "VOIDING>VOIDED"),
    *("VOIDED>VOIDED", "VOIDED>DECLINED"),
    *("REFUNDING>AUTHORIZED", "REFUNDING>CAPTURED", "REFUNDING>REFUNDED", "REFUNDING>VOIDED"),
    *("REFUNDED>REFUNDED", "REFUNDED>VOIDED"),
)

PAYMENTS_MATCH = InvariantCheck(
    name="payments_match",
    meaning="Every payment belongs to an order and has its amount, currency and method.",
    checked="SELECT count(*) FROM payments",
    broken=f"""
        SELECT CAST(p.order_id AS text) AS subject, CASE
            WHEN o.id IS NULL THEN 'has a payment but does not exist'
            WHEN p.status NOT IN ({KNOWN}) THEN 'its payment is ' || p.status || ', an unknown status'
            ELSE 'costs ' || o.total_amount || ' ' || o.currency || ' by ' || o.payment_method || ', its payment is '
                || p.amount || ' ' || p.currency || ' by ' || p.method END AS reason
        FROM payments AS p LEFT JOIN orders AS o ON o.id = p.order_id
        WHERE o.id IS NULL OR p.status NOT IN ({KNOWN})
            OR (p.amount, p.currency, p.method) <> (o.total_amount, o.currency, o.payment_method)
    """,  # noqa: S608 - constants only
)

MONEY = InvariantCheck(
    name="money_for_tickets",
    meaning="A completed order has its tickets and is paid; a cancelled or refunded order has neither.",
    checked=f"SELECT count(*) FROM orders WHERE status IN ('COMPLETED', {GIVEN_BACK})",  # noqa: S608 - constants only
    broken=f"""
        SELECT CAST(o.id AS text) AS subject, 'is ' || o.status || ', its payment ' || coalesce(p.status, 'missing')
            || ', its tickets ' || coalesce(t.status, 'missing') AS reason
        FROM orders AS o LEFT JOIN payments AS p ON p.order_id = o.id LEFT JOIN ticketings AS t ON t.order_id = o.id
        WHERE CASE o.status
            WHEN 'COMPLETED' THEN coalesce(p.status, '') NOT IN ('AUTHORIZED', 'CAPTURING', 'CAPTURED')
                OR coalesce(t.status, '') <> 'ISSUED'
            WHEN 'REFUNDED' THEN coalesce(p.status, '') <> 'REFUNDED' OR t.status = 'ISSUED'
            -- Compensation may be under way for a while.
            WHEN 'CANCELLED' THEN o.updated_at < {OLD} AND (t.status = 'ISSUED'
                OR p.status NOT IN ({RELEASING}))
        END
    """,  # noqa: S608 - constants only
)

PAYMENTS_SETTLED = InvariantCheck(
    name="payments_settled",
    meaning="Every call to the gateway is repeated until it has a response, and the response arrives in time.",
    checked=f"SELECT count(*) FROM payments WHERE status IN ({ASKING})",  # noqa: S608 - constants only
    broken=f"""
        SELECT CAST(p.order_id AS text) AS subject, 'its payment is ' || p.status || ' since '
            || CAST(p.updated_at AS timestamptz(0)) || ', asked ' || p.attempts || ' times'
            || coalesce(': ' || p.last_error, '')
            || CASE WHEN p.next_attempt_at IS NULL THEN '; no further attempt is scheduled' ELSE '' END AS reason
        FROM payments AS p
        WHERE p.status IN ({ASKING}) AND (p.next_attempt_at IS NULL OR p.updated_at < {OVERDUE})
    """,  # noqa: S608 - constants only
)

GATEWAY = InvariantCheck(
    name="gateway_agrees",
    meaning="The gateway's records agree with ours for every charge.",
    checked="SELECT count(*) FROM gateway_charges",
    broken=f"""
        SELECT coalesce(CAST(p.order_id AS text), g.key) AS subject, 'we have it as '
            || coalesce(p.status || ' ' || p.amount || ' ' || p.currency, 'nothing') || ', the gateway as '
            || coalesce(g.status || ' ' || g.amount || ' ' || g.currency, 'nothing') AS reason
        FROM payments AS p FULL JOIN gateway_charges AS g ON g.key = CAST(p.order_id AS text)
        WHERE p.order_id IS NULL
            OR (p.status || '>' || coalesce(g.status, '') NOT IN ({", ".join(f"'{pair}'" for pair in AGREED)})
                -- One that was given up before it was requested was never asked for.
                AND NOT (p.status = 'VOIDED' AND g.key IS NULL AND p.attempts = 0))
            OR (g.amount, g.currency) <> (p.amount, p.currency)
            OR p.authorization_id <> g.authorization_id
    """,  # noqa: S608 - constants only
)

TICKETS = InvariantCheck(
    name="tickets_as_bought",
    meaning="An order with issued tickets has a valid one for every seat; every other order has none.",
    checked="SELECT count(*) FROM tickets",
    broken="""
        SELECT CAST(order_id AS text) AS subject, 'bought ' || coalesce(b.seats, 0) || ' seats on flight ' || flight_id
            || ' that should have tickets, and has ' || coalesce(v.seats, 0) || ' valid tickets' AS reason
        FROM (SELECT i.order_id, i.flight_id, sum(i.seats) AS seats FROM order_items AS i
            JOIN ticketings AS t ON t.order_id = i.order_id AND t.status = 'ISSUED' GROUP BY 1, 2) AS b
        FULL JOIN (SELECT order_id, flight_id, count(*) AS seats FROM tickets WHERE status = 'VALID' GROUP BY 1, 2) AS v
            USING (order_id, flight_id)
        WHERE b.seats IS DISTINCT FROM v.seats
    """,
)

SEATS_HELD = InvariantCheck(
    name="seats_held",
    meaning="The number of taken seats of each flight equals the seats of its live orders.",
    checked="SELECT count(*) FROM flights",
    broken=f"""
        SELECT CAST(coalesce(f.id, h.flight_id) AS text) AS subject, CASE WHEN f.id IS NULL THEN 'no such flight'
            ELSE f.seats_taken || ' seats are taken' END || ', live orders hold ' || coalesce(h.seats, 0) AS reason
        FROM flights AS f FULL JOIN (
            SELECT i.flight_id, sum(i.seats) AS seats FROM order_items AS i JOIN orders AS o ON o.id = i.order_id
            WHERE o.status NOT IN ({GIVEN_BACK}) GROUP BY i.flight_id) AS h ON h.flight_id = f.id
        WHERE f.id IS NULL OR f.seats_taken <> coalesce(h.seats, 0)
    """,  # noqa: S608 - constants only
)

SEAT_MAPS = InvariantCheck(
    name="seat_maps",
    meaning="On every flight, each seat that was ever assigned is either free again or on one valid ticket.",
    checked="SELECT count(*) FROM seat_maps",
    broken="""
        WITH given AS (
            SELECT flight_id, count(*) AS seats, count(DISTINCT seat_number) AS different, max(seat_number) AS highest
            FROM tickets WHERE status = 'VALID' GROUP BY flight_id)
        SELECT CAST(flight_id AS text) AS subject, coalesce(g.seats, 0) || ' valid tickets up to seat '
            || coalesce(g.highest, 0) || ', ' || coalesce(cardinality(m.released), 0) || ' seats free again, next seat '
            || coalesce(CAST(m.next_seat AS text), 'unknown') AS reason
        FROM seat_maps AS m FULL JOIN given AS g USING (flight_id)
        WHERE m.next_seat IS NULL OR m.next_seat - 1 <> coalesce(g.seats, 0) + cardinality(m.released)
            OR g.seats <> g.different OR g.highest >= m.next_seat
            OR (SELECT count(DISTINCT seat) FROM unnest(m.released) AS seat
                WHERE seat BETWEEN 1 AND m.next_seat - 1) <> cardinality(m.released)
            OR EXISTS (SELECT FROM tickets AS t WHERE t.flight_id = m.flight_id AND t.status = 'VALID'
                AND t.seat_number = ANY(m.released))
    """,
)

MONEY_CHECKS: Final = (PAYMENTS_MATCH, MONEY, PAYMENTS_SETTLED, GATEWAY, TICKETS, SEATS_HELD, SEAT_MAPS)
