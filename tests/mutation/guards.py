"""The guards and the mutations that remove them: the table behind tests/mutation/test_guards.py and docs/guards.md.

If you change guarded code, update its `before`. Keep it short: only the words that make the guard, once in the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ASSERTION: Final = "AssertionError"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`before` stands once in `file` (under src/ordersys) and becomes `after`; then each of `tests` (under tests) fails
    with an exception of the name `by`.
    """

    name: str
    file: str
    before: str
    after: str
    tests: Sequence[str]
    by: str = ASSERTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """`audited`: the invariants of the audit that a missing guard violates."""

    name: str
    protects: str
    audited: Sequence[str]
    mutations: Sequence[Mutation]


CONSUMER: Final = "unit/messaging/test_consumer.py"
GATEWAY: Final = "contract/test_gateway.py"
LEASES: Final = "contract/test_leases.py"
RETRYING: Final = "unit/messaging/test_retry_loop.py"
LOCK_ORDER: Final = "contract/test_lock_order.py::test_whoever_waits_for_a_later_row_has_the_earlier_one"
KILLER: Final = "test_a_message_that_kills_its_batch_is_dead_after_five_attempts_and_the_others_go_through"
DISPATCHER: Final = "unit/entrypoint/timers/test_payment_dispatcher.py"
RELAY: Final = "unit/messaging/test_relay.py"
PLACING: Final = "unit/usecase/orders/test_place_orders.py"
SETTLING: Final = "unit/usecase/payments/test_settle_payments.py"
TOKENS: Final = "unit/entrypoint/http/test_auth.py::test_a_token_that_proves_nothing_is_401"
AUDIT: Final = "integration/test_audit.py::test_a_healthy_system_is_found_healthy"

# Of the same order, under a key of its own.
OTHER_CHARGE: Final = "__import__('dataclasses').replace(intent.charge, order_id=__import__('uuid').uuid4())"

# The statement compares the awaited response three times: when it locks, joins and writes.
AWAITED: Final = '''payments.status = answer.asked
        ORDER BY payments.order_id FOR UPDATE OF payments)
"""
_ANSWERED = "FROM awaited WHERE payments.order_id = awaited.order_id AND payments.status = awaited.asked'''

GUARDS: Final = (
    Guard(
        name="inbox first",
        protects="A redelivered event has no second effect, and every effect has its row in the inbox.",
        audited=("handled_once", "effects_done"),
        mutations=(
            Mutation(
                name="an event that is already in the inbox is handled again",
                file="messaging/consumer.py",
                before="in once if message.event_id in new]",
                after="in once]",
                tests=(f"{CONSUMER}::test_a_redelivered_event_has_no_second_effect",),
            ),
            Mutation(
                name="events are handled without an inbox row",
                file="messaging/consumer.py",
                before="await transaction.inbox.claim_free(self.name, messages, passing=later | ours)",
                after="{message.event_id for message in messages}",
                tests=(f"{CONSUMER}::test_a_redelivered_event_is_no_failure", AUDIT),
            ),
            Mutation(
                name="a retry does not check the inbox",
                file="messaging/retry_loop.py",
                before="            if new:\n",
                after="            if True:\n",
                tests=(f"{RETRYING}::test_an_event_that_was_handled_meanwhile_is_not_handled_again",),
            ),
            Mutation(
                name="the insert also returns the rows that existed",
                file="infrastructure/postgres/inbox_repository.py",
                before="DO NOTHING RETURNING event_id",
                after="DO UPDATE SET type = excluded.type RETURNING event_id",
                tests=("contract/test_inbox.py::test_events_are_new_once[real]",),
            ),
        ),
    ),
    Guard(
        name="same-transaction outbox",
        protects="A change and its event are committed together or not at all.",
        audited=("order_created", "events_told"),
        mutations=(
            Mutation(
                name="the order is written in a second transaction",
                file="usecase/orders/place_orders.py",
                before="            prepared = await transaction.placements.prepare(_wanted(commands), since=since)\n",
                after="            prepared = await transaction.placements.prepare(_wanted(commands), since=since)\n"
                "        async with self.unit_of_work.begin() as transaction:\n",
                tests=(f"{PLACING}::test_order_history_event_and_answer_are_written_together",),
            ),
            Mutation(
                name="the events of new orders are not written",
                file="infrastructure/postgres/placement_repository.py",
                before="), told AS ({INSERT_ENTRIES})",
                after="), told AS ({INSERT_ENTRIES} LIMIT 0)",
                tests=("contract/test_placements.py::test_what_is_placed_is_written_together[real]",),
            ),
            Mutation(
                name="the events of payments are not written",
                file="infrastructure/postgres/payment_repository.py",
                before="FROM settled WHERE event_id IS NOT NULL",
                after="FROM settled WHERE false",
                tests=(
                    "contract/test_payments.py::test_two_recorders_of_one_payment_make_one_result_and_one_event[real]",
                ),
            ),
            Mutation(
                name="each statement commits separately",
                file="infrastructure/postgres/session.py",
                before="as session, session.driver.transaction():",
                after="as session:",
                tests=("contract/test_outbox.py::test_an_event_of_a_rolled_back_transaction_never_was[real]",),
            ),
        ),
    ),
    Guard(
        name="wait for the acknowledgement",
        protects="An event leaves the outbox only after the broker has acknowledged it.",
        audited=("topics_complete",),
        mutations=(
            Mutation(
                name="rows are archived before the broker acknowledges them",
                file="messaging/relay.py",
                before="self.publisher.publish(records))\n",
                after="self.publisher.publish(records))\n        return [Acked(partition=0, offset=0) for _ in rows]\n",
                tests=(f"{RELAY}::test_leases_are_renewed_while_the_broker_is_slow[None]",),
            ),
            Mutation(
                name="rows are archived even if the broker refuses them",
                file="messaging/relay.py",
                before="return publishing.result()",
                after="return [Acked(partition=0, offset=0) for _ in rows]",
                tests=(f"{RELAY}::test_a_failed_event_holds_back_the_later_ones_of_its_order_only",),
            ),
            Mutation(
                name="the producer does not wait for delivery reports",
                file="infrastructure/kafka/producer.py",
                before="await reports.within(self._patience + REPORT_GRACE_SECONDS)",
                after="[Acked(partition=0, offset=0) for _ in records]",
                tests=("integration/test_kafka_publisher.py::test_without_a_broker_every_call_is_bounded",),
            ),
        ),
    ),
    Guard(
        name="shard fencing",
        protects="A worker that lost its shards to another cannot archive their rows, so the order of events is kept.",
        audited=("topics_in_order",),
        mutations=(
            Mutation(
                name="rows are archived without a valid lease",
                file="infrastructure/postgres/outbox_repository.py",
                before="AND shard = ANY(ARRAY(SELECT shard FROM held))",
                after="",
                tests=("contract/test_outbox.py::test_an_earlier_owner_archives_nothing[real]",),
            ),
            Mutation(
                name="a claim does not create a new fencing token",
                file="infrastructure/postgres/shard_leases.py",
                before="token = token + 1",
                after="token = token",
                tests=(
                    f"{LEASES}::test_what_changes_hands_gets_a_new_token[real]",
                    f"{LEASES}::test_a_worker_that_comes_back_takes_its_own_at_once_under_new_tokens[real]",
                ),
            ),
            Mutation(
                name="a lease is renewed by name instead of token",
                file="infrastructure/postgres/shard_leases.py",
                before="AND outbox_shards.token = held.token AND owner = :owner\n    RETURNING",
                after="AND owner = :owner\n    RETURNING",
                tests=(f"{LEASES}::test_a_process_does_not_live_on_the_lease_of_its_successor[real]",),
            ),
            Mutation(
                name="rows of all shards are published",
                file="messaging/relay.py",
                before="self.queue.due(tuple(self._tokens)",
                after="self.queue.due(tuple(range(64))",
                tests=(f"{RELAY}::test_only_rows_of_its_own_shards_are_published",),
            ),
        ),
    ),
    Guard(
        name="one event in flight per order",
        protects="The events of one order reach the topic in the order of their commits, even after failures.",
        audited=("topics_in_order",),
        mutations=(
            Mutation(
                name="all events of an order are sent at once",
                file="messaging/relay.py",
                before="rows = first_of_each(due, lambda row: row.order_id)",
                after="rows = list(due)",
                tests=(f"{RELAY}::test_one_order_has_one_record_under_way_at_a_time",),
            ),
            Mutation(
                name="later events overtake a failed one",
                file="infrastructure/postgres/outbox_repository.py",
                before="failed.outbox_id <= outbox.id",
                after="failed.outbox_id = outbox.id",
                tests=("contract/test_outbox.py::test_a_failed_event_and_all_later_ones_of_its_order_wait[real]",),
            ),
        ),
    ),
    Guard(
        name="key scope",
        protects="An idempotency key belongs to one customer and one route; no customer receives another's response.",
        audited=("one_order_per_key", "one_answer_per_key"),
        mutations=(
            Mutation(
                name="all customers share one lock per key",
                file="infrastructure/postgres/placement_repository.py",
                before="concat_ws(chr(31), customer_id, route, key)",
                after="key",
                tests=("contract/test_placements.py::test_a_key_belongs_to_its_customer_and_route[real-other0]",),
            ),
            Mutation(
                name="the key of a request does not contain the customer",
                file="entrypoint/http/order_routes.py",
                before="IdempotencyKey(customer_id=request.user.customer,",
                after='IdempotencyKey(customer_id=CustomerId("anybody"),',
                tests=("integration/test_idempotency.py::test_a_key_belongs_to_its_customer",),
            ),
        ),
    ),
    Guard(
        name="fingerprint",
        protects="A key that is reused with a different body is refused instead of returning the first response.",
        audited=(),
        mutations=(
            Mutation(
                name="fingerprints are not compared",
                file="usecase/orders/place_orders.py",
                before="if earlier.fingerprint != command.fingerprint:",
                after="if False:",
                tests=(
                    f"{PLACING}::test_a_key_with_another_body_is_refused",
                    f"{PLACING}::test_a_key_with_another_body_is_refused_within_a_batch",
                ),
            ),
            Mutation(
                name="all bodies have the same fingerprint",
                file="entrypoint/http/idempotency.py",
                before="msgspec.json.encode(body)",
                after='b""',
                tests=("unit/entrypoint/http/test_idempotency.py::test_different_bodies_have_different_fingerprints",),
            ),
        ),
    ),
    Guard(
        name="key claimed before the decision",
        protects="A request that is repeated, even concurrently, creates one order.",
        audited=("one_order_per_key", "one_answer_per_key"),
        mutations=(
            Mutation(
                name="a stored response is ignored",
                file="usecase/orders/place_orders.py",
                before="earlier = claim or batch.answers",
                after="earlier = batch.answers",
                tests=(f"{PLACING}::test_the_same_request_again_gets_the_same_answer",),
            ),
            Mutation(
                name="equal requests in one batch are decided separately",
                file="usecase/orders/place_orders.py",
                before="earlier = claim or batch.answers.get(command.idempotency)",
                after="earlier = claim",
                tests=(f"{PLACING}::test_equal_requests_in_one_batch_make_one_order",),
            ),
            Mutation(
                name="a key that another transaction holds counts as free",
                file="infrastructure/postgres/placement_repository.py",
                before="SELECT pg_try_advisory_xact_lock(",
                after="SELECT 0 < length('free') OR pg_try_advisory_xact_lock(",
                tests=("contract/test_placements.py::test_of_many_at_the_same_moment_one_takes_the_key[real]",),
            ),
        ),
    ),
    Guard(
        name="offsets after commit",
        protects="An offset is committed only after the effects of its event, so a crash in between loses nothing.",
        audited=("offsets_behind_work", "handled_once"),
        mutations=(
            Mutation(
                name="offsets are committed as soon as a batch is fetched",
                file="messaging/consumer.py",
                before="= await self._next()\n",
                after="= await self._next()\n            await self.stream.commit(self._batch.deliveries)\n",
                tests=(f"{CONSUMER}::test_offsets_move_only_after_the_commit",),
            ),
            Mutation(
                name="offsets are committed while the database is unavailable",
                file="messaging/consumer.py",
                before="            await self.stream.hold()\n",
                after="            await self.stream.commit(self._batch.deliveries)\n",
                tests=(f"{CONSUMER}::test_a_dead_letter_that_cannot_be_kept_moves_no_offset",),
            ),
        ),
    ),
    Guard(
        name="lock order",
        protects="Transactions lock shared rows in the same order, so that they cannot deadlock.",
        audited=(),
        mutations=(
            Mutation(
                name="flights are locked in the order of the request",
                file="infrastructure/postgres/order_repository.py",
                before="{OFFERED} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY",
                after="{OFFERED} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY array_position(:ids, id),",
                tests=(f"{LOCK_ORDER}[real-flights]",),
            ),
            Mutation(
                name="the flights of new orders are locked in the order of the request",
                file="infrastructure/postgres/placement_repository.py",
                before="ORDER BY id FOR NO KEY UPDATE",
                after="ORDER BY array_position(:flights, id) FOR NO KEY UPDATE",
                tests=(f"{LOCK_ORDER}[real-flights of new orders]",),
            ),
            Mutation(
                name="inbox rows are written in the order of arrival",
                file="infrastructure/postgres/inbox_repository.py",
                before="ORDER BY event_id ON CONFLICT",
                after="ON CONFLICT",
                tests=(f"{LOCK_ORDER}[real-inbox]",),
            ),
        ),
    ),
    Guard(
        name="attempt counted before the handler",
        protects="A message that ends the process has used an attempt, so that it becomes a dead letter in the end.",
        audited=("sagas_end",),
        mutations=(
            Mutation(
                name="no attempt is counted before the handler runs",
                file="messaging/crash_loop_guard.py",
                before="if self._count(message.delivery) < self.limit]",
                after="if self._count(message.delivery) < 0]",
                tests=(f"{RETRYING}::{KILLER}",),
            ),
            Mutation(
                name="retries are not counted",
                file="infrastructure/postgres/retry_repository.py",
                before="SET attempts = attempts + 1,",
                after="SET attempts = attempts,",
                tests=("contract/test_retries.py::test_the_error_of_an_attempt_too_many_is_kept_for_the_letter[real]",),
            ),
            Mutation(
                name="an attempt that was counted but not made is not taken back",
                file="messaging/consumer.py",
                before="await transaction.retries.uncount_attempts(self.name, dict.fromkeys(self._reserved, 1))",
                after="pass",
                tests=(f"{RETRYING}::test_an_absent_database_takes_back_what_was_counted_ahead",),
            ),
            Mutation(
                name="an attempt that was counted for a waiting message is not taken back",
                file="messaging/consumer.py",
                before="await transaction.retries.uncount_attempts(self.name, waiting)",
                after="pass",
                tests=(f"{RETRYING}::test_what_waits_in_a_counted_batch_keeps_its_place_before_the_later_ones",),
            ),
            Mutation(
                name="a retry that met an unavailable database stays counted",
                file="messaging/retry_loop.py",
                before="await transaction.retries.uncount_attempts(self.name, {",
                after="dict({",
                tests=(f"{RETRYING}::test_an_absent_database_spends_no_attempt",),
            ),
        ),
    ),
    Guard(
        name="an attempt belongs to its process",
        protects="If two processes hold the same message, only the one that counted the latest attempt handles it.",
        audited=(),
        mutations=(
            Mutation(
                name="a message is taken even if another process counted later",
                file="infrastructure/postgres/retry_repository.py",
                before="DELETE FROM inbox_retries AS kept WHERE {_OURS} AND kept.attempts = {_TRIED}",
                after="DELETE FROM inbox_retries AS kept WHERE {_OURS} AND 0 < {_TRIED}",
                tests=("contract/test_retries.py::test_only_the_attempt_that_was_counted_takes_the_message[real]",),
            ),
            Mutation(
                name="a message is deferred even if another process counted later",
                file="infrastructure/postgres/retry_repository.py",
                before="AND event_id = :event_id AND attempts = :attempts",
                after="AND event_id = :event_id AND :attempts > 0",
                tests=("contract/test_retries.py::test_a_failure_of_an_attempt_that_is_over_changes_nothing[real]",),
            ),
        ),
    ),
    Guard(
        name="later events wait behind a queued one",
        protects="A message that waits for its next attempt is not overtaken by later events of its order.",
        audited=(),
        mutations=(
            Mutation(
                name="a queued message does not hold back later events of its order",
                file="infrastructure/postgres/inbox_repository.py",
                before="AND held.order_id = event.order_id AND",
                after="AND false AND",
                tests=("contract/test_retries.py::test_events_behind_a_kept_one_are_not_free[real]",),
            ),
            Mutation(
                name="any due message is tried, not only the oldest of its order",
                file="infrastructure/postgres/retry_repository.py",
                before="AND earlier.id < head.id",
                after="AND false",
                tests=("contract/test_retries.py::test_only_the_oldest_of_an_order_is_due[real]",),
            ),
        ),
    ),
    Guard(
        name="dead letters through the outbox",
        protects="A dead letter and its record for the topic are written together.",
        audited=("dead_letters_told",),
        mutations=(
            Mutation(
                name="a dead letter is stored without its record",
                file="infrastructure/postgres/dead_letter_repository.py",
                before='insert_from(f"letter, {ENTRIES}")',
                after='insert_from(f"letter, {ENTRIES} WHERE false")',
                tests=(AUDIT,),
            ),
        ),
    ),
    Guard(
        name="stable key at the gateway",
        protects="A repeated call to the gateway is the same charge, so the customer pays once.",
        audited=("gateway_agrees",),
        mutations=(
            Mutation(
                name="a charge is released under another key",
                file="entrypoint/timers/payment_dispatcher.py",
                before="self.gateway.release(intent.charge)",
                after=f"self.gateway.release({OTHER_CHARGE})",
                tests=(AUDIT,),
            ),
            Mutation(
                name="a charge is authorized under another key",
                file="entrypoint/timers/payment_dispatcher.py",
                before="self.gateway.authorize(intent.charge)",
                after=f"self.gateway.authorize({OTHER_CHARGE})",
                tests=(f"{DISPATCHER}::test_what_is_demanded_of_a_payment_is_asked_of_the_gateway",),
            ),
            Mutation(
                name="a claimed call can be claimed again",
                file="infrastructure/postgres/payment_repository.py",
                before="AND (claimed_until IS NULL OR claimed_until < :at)",
                after="",
                tests=("contract/test_payments.py::test_a_claim_holds_until_its_lease_ends[real]",),
            ),
        ),
    ),
    Guard(
        name="a response counts only while it is awaited",
        protects="A late or second response of the gateway changes nothing: one result, one event, one capture.",
        audited=("gateway_agrees", "money_for_tickets"),
        mutations=(
            Mutation(
                name="any response counts",
                file="infrastructure/postgres/payment_repository.py",
                before=AWAITED,
                after=AWAITED.replace("payments.status = answer.asked", "true").replace(
                    "payments.status = awaited.asked", "true"
                ),
                tests=("contract/test_payments.py::test_only_an_answer_that_is_awaited_is_written_and_told[real]",),
            ),
            Mutation(
                name="the gateway captures a voided charge",
                file="infrastructure/postgres/gateway_decisions.py",
                before="CASE WHEN known.status = 'AUTHORIZED' THEN 'CAPTURED'",
                after="CASE WHEN known.status IN ('AUTHORIZED', 'VOIDED') THEN 'CAPTURED'",
                tests=(
                    "contract/test_gateway.py::test_release_gives_back_whatever_is_held_and_for_good[real-authorized]",
                ),
            ),
        ),
    ),
    Guard(
        name="authorization",
        protects="Tokens must be valid for this API; customers reach only their own orders; only operators operate.",
        audited=(),
        mutations=(
            Mutation(
                name="tokens for another audience are accepted",
                file="entrypoint/http/tokens.py",
                before='{"require": REQUIRED}',
                after='{"require": REQUIRED, "verify_aud": False}',
                tests=(f"{TOKENS}[wrong audience]",),
            ),
            Mutation(
                name="expired tokens are accepted",
                file="entrypoint/http/tokens.py",
                before="leeway=CLOCK_SKEW_SECONDS",
                after="leeway=10**9",
                tests=(f"{TOKENS}[expired]",),
            ),
            Mutation(
                name="every customer can read every order",
                file="entrypoint/http/tokens.py",
                before="return None if is_operator(user) else user.customer",
                after="return None",
                tests=(
                    "integration/test_http_ownership.py::test_another_customers_order_does_not_exist[ann-bob-]",
                    "integration/test_http_changes.py::test_another_customers_order_does_not_exist[cancel]",
                ),
            ),
            Mutation(
                name="customers read the text of internal errors",
                file="entrypoint/http/redaction.py",
                before='return error.partition(":")[0]',
                after="return error",
                tests=(
                    "unit/entrypoint/http/test_redaction.py::test_customers_see_the_class_of_an_error[dead_letter]",
                ),
            ),
            Mutation(
                name="every customer can change every order",
                file="usecase/orders/order_moves.py",
                before="if order is None or customer_id not in {None, order.customer_id}:",
                after="if order is None:",
                tests=("integration/test_http_changes.py::test_another_customers_order_does_not_exist[refund]",),
            ),
            Mutation(
                name="every user has operator rights",
                file="entrypoint/http/auth.py",
                before='or "operator" not in user.roles',
                after="",
                tests=("unit/entrypoint/http/test_auth.py::test_operators_pass_the_guard_and_nobody_else",),
            ),
        ),
    ),
)

MUTATIONS: Final = tuple(mutation for guard in GUARDS for mutation in guard.mutations)
