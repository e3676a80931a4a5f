# ruff: noqa: S608
"""What breaks each invariant of the audit, done to a healthy system by plain SQL or to what Kafka seems to hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from ordersys.workshop.audit.ports import Committed, Promise, Seen
from tests.integration.audit_world import PREFIX, FakeTopics


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """`statements` must make `invariant`, and no other, be found broken, for a reason with `reason` in it."""

    invariant: str
    reason: str
    statements: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPlant:
    invariant: str
    reason: str
    tamper: Callable[[FakeTopics], FakeTopics]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlant:
    invariant: str
    reason: str
    tamper: Callable[[Promise], Sequence[Promise]]


def plant(invariant: str, reason: str, *statements: str) -> Plant:
    return Plant(invariant=invariant, reason=reason, statements=statements)


COMPLETED = "(SELECT CAST(min(CAST(id AS text)) AS uuid) FROM orders WHERE status = 'COMPLETED')"
REFUNDED = "(SELECT id FROM orders WHERE status = 'REFUNDED')"
VOIDED = "(SELECT CAST(min(CAST(order_id AS text)) AS uuid) FROM payments WHERE status = 'VOIDED' AND attempts > 0)"
FLIGHT = "(SELECT CAST(min(CAST(flight_id AS text)) AS uuid) FROM seat_maps)"
PLACED_UNDER = f"outcome LIKE '%' || {COMPLETED} || '%'"


def event(kind: str, order: str = COMPLETED) -> str:
    return f"(SELECT event_id FROM outbox_archive WHERE aggregateid = {order} AND type = 'ordersys.{kind}.v1')"


def forget(consumer: str, event_id: str) -> str:
    return f"DELETE FROM inbox_events WHERE consumer = '{consumer}' AND event_id = {event_id}"


def one_more(event_id: str, order: str, like: str) -> str:
    """An event like that one."""
    return f"""
        INSERT INTO outbox_archive (id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at,
            topic, partition, "offset", attempts, published_at)
        SELECT id, {event_id}, aggregatetype, {order}, type, payload, headers, occurred_at, topic, partition,
            "offset", attempts, now() + interval '1 hour' FROM outbox_archive WHERE event_id = {like}
    """


def never_written(event_id: str) -> Sequence[str]:
    """As if the event had been forgotten when its cause was written: so nobody has handled it either."""
    return (
        f"DELETE FROM inbox_events WHERE event_id = {event_id}",
        f"DELETE FROM outbox_archive WHERE event_id = {event_id}",
    )


def unpublished(event_id: str) -> str:
    return f"""
        WITH back AS (DELETE FROM outbox_archive WHERE event_id = {event_id} RETURNING *)
        INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
        SELECT event_id, aggregatetype, aggregateid, type, payload, headers, 0, occurred_at FROM back
    """


def retry(
    event_id: str, due: str = "now() + interval '1 hour'", made: str = "now()", consumer: str = "payment-service"
) -> str:
    return f"""
        INSERT INTO inbox_retries (consumer, event_id, order_id, type, topic, partition, "offset", headers, attempts,
            next_attempt_at, error, created_at)
        SELECT '{consumer}', event_id, aggregateid, type, topic, partition, "offset", '{{}}', 1, {due}, 'boom',
            {made} FROM outbox_archive WHERE event_id = {event_id}
    """


def letter(event_id: str, attempts: int = 5, consumer: str = "payment-service") -> str:
    """With its copy for the topic of dead letters."""
    return f"""
        WITH letter AS (
            INSERT INTO dead_letters (id, consumer, event_id, order_id, type, topic, partition, "offset", headers,
                attempts, error, status, created_at)
            SELECT uuidv7(), '{consumer}', event_id, aggregateid, type, topic, partition, "offset", '{{}}',
                {attempts}, 'boom', 'NEW', now() FROM outbox_archive WHERE event_id = {event_id} RETURNING *)
        INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
        SELECT uuidv7(), 'dlq', uuidv7(), 'ordersys.DeadLettered.v1', '', '{{}}', 0, now() + interval '1 hour'
        FROM letter
    """


CAPTURE_LOST = forget("payment-service", event("TicketIssued"))
# The retry that a capture waits in: the payment is as it was before.
CAPTURE_RETRIED = (
    CAPTURE_LOST,
    f"UPDATE payments SET status = 'AUTHORIZED' WHERE order_id = {COMPLETED}",
    f"UPDATE gateway_charges SET status = 'AUTHORIZED' WHERE key = CAST({COMPLETED} AS text)",
)
# An order that has not heard of its tickets.
UNTOLD = (
    forget("order-service", event("TicketIssued")),
    f"DELETE FROM order_status_history WHERE order_id = {COMPLETED} AND to_status = 'COMPLETED'",
)
UNCOMPLETED = f"UPDATE orders SET status = 'PAYMENT_AUTHORIZED' WHERE id = {COMPLETED}"
# A late comer: nothing but the order and its key.
NEWCOMER = (
    """INSERT INTO orders SELECT '00000000-0000-7000-8000-000000000001', customer_id, 'CREATED', NULL, payment_method,
            total_amount, currency, now(), now() FROM orders LIMIT 1""",
    """INSERT INTO order_status_history (order_id, to_status, at)
            VALUES ('00000000-0000-7000-8000-000000000001', 'CREATED', now())""",
    """INSERT INTO idempotency_keys SELECT customer_id, route, 'new', fingerprint,
            '{"placed": {"id": "00000000-0000-7000-8000-000000000001"}}', now() FROM idempotency_keys
            WHERE customer_id = (SELECT customer_id FROM orders WHERE id = '00000000-0000-7000-8000-000000000001')
            LIMIT 1""",
)
PLANTS = (
    plant("one_order_per_key", "placed under 0 keys", f"DELETE FROM idempotency_keys WHERE {PLACED_UNDER}"),
    plant(
        "one_order_per_key",
        "placed under 2 keys",
        f"""INSERT INTO idempotency_keys SELECT customer_id, route, 'other', fingerprint, outcome, created_at
            FROM idempotency_keys WHERE {PLACED_UNDER}""",
    ),
    plant(
        "one_order_per_key",
        "which does not exist",
        f"""INSERT INTO idempotency_keys SELECT customer_id, route, 'other', fingerprint,
                replace(outcome, CAST({COMPLETED} AS text), CAST(uuidv7() AS text)), created_at
            FROM idempotency_keys WHERE {PLACED_UNDER}""",
    ),
    plant("order_created", "does not exist", one_more("uuidv7()", "uuidv7()", event("OrderCreated"))),
    plant(
        "history",
        "when it was PAYMENT_AUTHORIZED",
        f"""UPDATE order_status_history SET from_status = 'CANCELLED'
            WHERE order_id = {COMPLETED} AND to_status = 'COMPLETED'""",
    ),
    plant(
        "history",
        "its history ends with PAYMENT_AUTHORIZED",
        f"DELETE FROM order_status_history WHERE order_id = {COMPLETED} AND to_status = 'COMPLETED'",
    ),
    plant(
        "history",
        "not a legal transition",
        f"""UPDATE order_status_history SET from_status = 'CREATED'
            WHERE order_id = {COMPLETED} AND to_status = 'COMPLETED'""",
        f"DELETE FROM order_status_history WHERE order_id = {COMPLETED} AND to_status = 'PAYMENT_AUTHORIZED'",
    ),
    plant(
        "events_once",
        "2 x ordersys.OrderCreated.v1",
        one_more("uuidv7()", COMPLETED, event("OrderCreated")),
    ),
    plant("events_told", "PaymentVoided.v1 was never written", *never_written(event("PaymentVoided", VOIDED))),
    plant(
        "events_told",
        "PaymentDeclined.v1 has no corresponding change",
        f"""INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
            SELECT uuidv7(), 'payments', {COMPLETED}, 'ordersys.PaymentDeclined.v1', '', '{{}}', 0,
                now() + interval '1 hour'""",
    ),
    plant(
        "sagas_end",
        "order-service has ordersys.TicketIssued.v1 in retry 1: boom",
        retry(event("TicketIssued"), consumer="order-service"),
        *UNTOLD,
        UNCOMPLETED,
    ),
    plant(
        "sagas_end",
        "order-service has ordersys.TicketIssued.v1 as dead letter",
        letter(event("TicketIssued"), consumer="order-service"),
        *UNTOLD,
        UNCOMPLETED,
    ),
    plant("outbox_drained", "never tried", unpublished(event("OrderCreated"))),
    plant(
        "outbox_drained",
        "is parked: too large",
        unpublished(event("OrderCreated")),
        """INSERT INTO outbox_attempts SELECT id, aggregateid, 3, now(), 'too large', now() FROM outbox""",
    ),
    plant(
        "outbox_drained",
        "blocks later events of the order",
        f"INSERT INTO outbox_attempts SELECT 987654321, {COMPLETED}, 3, now(), 'too large', now()",
    ),
    plant("handled_once", "payment-service has lost ordersys.TicketIssued.v1", CAPTURE_LOST),
    plant("handled_once", "dead letter", letter(event("TicketIssued"))),
    plant(
        "handled_once",
        "in several places: inbox, retry 1",
        retry(event("TicketIssued"), made="now() - interval '1 hour'"),
    ),
    plant(
        "handled_once",
        "an event that was never written",
        f"""INSERT INTO inbox_events SELECT consumer, uuidv7(), type, order_id, 1, now() FROM inbox_events
            WHERE consumer = 'payment-service' AND event_id = {event("TicketIssued")}""",
    ),
    plant(
        "effects_done",
        "payment-service has handled ordersys.TicketIssued.v1",
        *CAPTURE_RETRIED[1:],
    ),
    plant(
        "effects_done",
        "has tickets that no event asked for",
        """INSERT INTO ticketings SELECT order_id, 'VOIDED', now(), now() FROM payments
            WHERE status = 'DECLINED'""",
    ),
    plant("retries_due", "should have tried", *CAPTURE_RETRIED, retry(event("TicketIssued"), due="now()")),
    plant(
        "dead_letters_told",
        "after 2 attempts: boom",
        *CAPTURE_RETRIED,
        letter(event("TicketIssued"), attempts=2),
    ),
    plant(
        "dead_letters_told",
        "have 1 copies",
        "DELETE FROM outbox_archive WHERE id = (SELECT min(id) FROM outbox_archive WHERE aggregatetype = 'dlq')",
    ),
    plant(
        "payments_match",
        "its payment is 1 RUB",
        f"UPDATE payments SET amount = 1 WHERE order_id = {COMPLETED}",
        f"UPDATE gateway_charges SET amount = 1 WHERE key = CAST({COMPLETED} AS text)",
    ),
    plant(
        "money_for_tickets",
        "is COMPLETED, its payment VOIDED",
        f"UPDATE payments SET status = 'VOIDED', attempts = 0 WHERE order_id = {COMPLETED}",
        f"UPDATE gateway_charges SET status = 'VOIDED' WHERE key = CAST({COMPLETED} AS text)",
    ),
    plant(
        "payments_settled",
        "no further attempt is scheduled",
        f"UPDATE payments SET status = 'CAPTURING' WHERE order_id = {COMPLETED}",
    ),
    plant(
        "gateway_agrees",
        "the gateway as VOIDED",
        f"UPDATE gateway_charges SET status = 'VOIDED' WHERE key = CAST({COMPLETED} AS text)",
    ),
    plant(
        "gateway_agrees",
        "we have it as nothing",
        "INSERT INTO gateway_charges SELECT 'nobody', 'a', method, amount, currency, status, 1 "
        "FROM gateway_charges LIMIT 1",
    ),
    plant(
        "gateway_agrees", "the gateway as nothing", f"DELETE FROM gateway_charges WHERE key = CAST({VOIDED} AS text)"
    ),
    plant(
        "tickets_as_bought",
        "has 0 valid tickets",
        f"""WITH voided AS (UPDATE tickets SET status = 'VOIDED' WHERE order_id = {COMPLETED}
                RETURNING flight_id, seat_number),
            freed AS (SELECT flight_id, array_agg(seat_number) AS seats FROM voided GROUP BY 1)
            UPDATE seat_maps AS m SET released = released || seats FROM freed WHERE freed.flight_id = m.flight_id""",
    ),
    plant("seats_held", "live orders hold", f"UPDATE flights SET seats_taken = seats_taken - 1 WHERE id = {FLIGHT}"),
    plant("seat_maps", "next seat", f"UPDATE seat_maps SET next_seat = next_seat + 1 WHERE flight_id = {FLIGHT}"),
    plant(
        "seat_maps",
        "free again",
        f"UPDATE seat_maps SET released = released || 1, next_seat = next_seat + 1 WHERE flight_id = {FLIGHT}",
    ),
)

# Of these the system will see the end by itself, so they are broken only once the time of grace is over.
UNDER_WAY = tuple(
    plant
    for plant in PLANTS
    if plant.invariant in {"sagas_end", "retries_due"} or plant.reason == "never tried" or "has lost" in plant.reason
)


def _records(topics: FakeTopics, change: Callable[[list[Seen]], None]) -> FakeTopics:
    records = list(topics.records_)
    change(records)
    return replace(topics, records_=records)


def _first(records: Sequence[Seen], kind: str) -> int:
    return next(n for n, record in enumerate(records) if record.type == f"ordersys.{kind}.v1")


def _lose(records: list[Seen]) -> None:
    del records[_first(records, "PaymentAuthorized")]


def _lose_letter(records: list[Seen]) -> None:
    del records[next(n for n, record in enumerate(records) if record.topic == f"{PREFIX}dlq")]


def _add_ghost(records: list[Seen]) -> None:
    known = records[_first(records, "TicketRejected")]
    records.append(known._replace(event_id=uuid4(), offset=1_000))


def _swap(records: list[Seen]) -> None:
    """The refund request of an order before its creation, in the same topic."""
    later = records[_first(records, "RefundRequested")]
    created = next(n for n, r in enumerate(records) if r.order_id == later.order_id and r.type.endswith("Created.v1"))  # type: ignore[union-attr]
    records[created] = records[created]._replace(offset=later.offset + 1_000)


def _scatter(records: list[Seen]) -> None:
    later = _first(records, "RefundRequested")
    records[later] = records[later]._replace(partition=99, offset=0)


def _run_ahead(topics: FakeTopics) -> FakeTopics:
    """An unreadable record, which nobody has buried, before the offsets."""
    place = topics.committed_[0]
    bad = Seen(place.topic, place.partition, place.offset, topics.records_[0].milliseconds, None, None, None)
    ahead = Committed(place.consumer, place.topic, place.partition, place.offset + 1)
    return replace(topics, records_=[*topics.records_, bad], committed_=[ahead, *topics.committed_[1:]])


TOPIC_PLANTS = (
    TopicPlant(invariant="topics_complete", reason="is not in ordersys.payments", tamper=lambda t: _records(t, _lose)),
    TopicPlant(
        invariant="topics_complete", reason="is not at ordersys.dlq", tamper=lambda t: _records(t, _lose_letter)
    ),
    TopicPlant(invariant="topics_without_ghosts", reason="was never written", tamper=lambda t: _records(t, _add_ghost)),
    TopicPlant(invariant="topics_in_order", reason="which was committed earlier", tamper=lambda t: _records(t, _swap)),
    TopicPlant(
        invariant="one_partition_per_order", reason="of ordersys.orders", tamper=lambda t: _records(t, _scatter)
    ),
    TopicPlant(invariant="offsets_behind_work", reason="this unreadable record", tamper=_run_ahead),
)

LEDGER_PLANTS = (
    LedgerPlant(
        invariant="accepted_orders",
        reason="lost: accepted from",
        tamper=lambda p: [p, Promise("carl", "new", 201, uuid4())],
    ),
    LedgerPlant(
        invariant="accepted_orders",
        reason="belongs to",
        tamper=lambda p: [Promise("mallory", "new", 201, p.order_id)],
    ),
    LedgerPlant(
        invariant="accepted_orders", reason="without an order", tamper=lambda p: [Promise("carl", "new", 201, None)]
    ),
    LedgerPlant(
        invariant="one_answer_per_key",
        reason="remembered as",
        tamper=lambda p: [p._replace(status=409, order_id=uuid4())],
    ),
)

# Why an order does not come to its end; more than one invariant is broken then.
STUCK = (
    ("OrderCreated.v1 waits in the outbox as row", (unpublished(event("OrderCreated")), UNCOMPLETED)),
    (
        "OrderCreated.v1 is parked in the outbox as row",
        (
            unpublished(event("OrderCreated")),
            "INSERT INTO outbox_attempts SELECT id, aggregateid, 3, now(), 'too large', now() FROM outbox",
            UNCOMPLETED,
        ),
    ),
    ("order-service has not handled ordersys.TicketIssued.v1 at ordersys.tickets[", (*UNTOLD, UNCOMPLETED)),
    (
        "the payment is REQUESTED, asked 7 times: no route",
        (
            f"""UPDATE payments SET status = 'REQUESTED', attempts = 7, last_error = 'no route', next_attempt_at = now()
                WHERE order_id = {COMPLETED}""",
            UNCOMPLETED,
        ),
    ),
    ("the next one was never made", (UNCOMPLETED,)),
)
