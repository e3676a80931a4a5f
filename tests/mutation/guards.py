"""The guards, and what is taken away to prove each: the table behind tests/mutation/test_guards.py and docs/guards.md.

A guard that is rewritten takes its `before` with it. Keep these short: the words that make the guard, once in the file.
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
    """`audited`: the invariants of the audit that are broken when the guard is missed."""

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

# Whoever looks for the answer that is awaited looks three times: when it locks, when it joins, when it writes.
AWAITED: Final = '''payments.status = answer.asked
        ORDER BY payments.order_id FOR UPDATE OF payments)
"""
_ANSWERED = "FROM awaited WHERE payments.order_id = awaited.order_id AND payments.status = awaited.asked'''

GUARDS: Final = (
    Guard(
        name="inbox first",
        protects="An event that comes again has no second effect, and no effect is without its mark in the inbox.",
        audited=("handled_once", "effects_done"),
        mutations=(
            Mutation(
                name="what the inbox knows is handled all the same",
                file="messaging/consumer.py",
                before="in once if message.event_id in new]",
                after="in once]",
                tests=(f"{CONSUMER}::test_a_redelivered_event_has_no_second_effect",),
            ),
            Mutation(
                name="events are handled without a mark",
                file="messaging/consumer.py",
                before="await transaction.inbox.claim_free(self.name, messages, passing=later | ours)",
                after="{message.event_id for message in messages}",
                tests=(f"{CONSUMER}::test_a_redelivered_event_is_no_failure", AUDIT),
            ),
            Mutation(
                name="a later attempt does not ask the inbox",
                file="messaging/retry_loop.py",
                before="            if new:\n",
                after="            if True:\n",
                tests=(f"{RETRYING}::test_an_event_that_was_handled_meanwhile_is_not_handled_again",),
            ),
            Mutation(
                name="the insert brings back what was there",
                file="infrastructure/postgres/inbox_repository.py",
                before="DO NOTHING RETURNING event_id",
                after="DO UPDATE SET type = excluded.type RETURNING event_id",
                tests=("contract/test_inbox.py::test_events_are_new_once[real]",),
            ),
        ),
    ),
    Guard(
        name="same-transaction outbox",
        protects="What happened is told, and what is told has happened: row and event are committed together or not.",
        audited=("order_created", "events_told"),
        mutations=(
            Mutation(
                name="an order is written in a transaction of its own",
                file="usecase/orders/place_orders.py",
                before="            prepared = await transaction.placements.prepare(_wanted(commands), since=since)\n",
                after="            prepared = await transaction.placements.prepare(_wanted(commands), since=since)\n"
                "        async with self.unit_of_work.begin() as transaction:\n",
                tests=(f"{PLACING}::test_order_history_event_and_answer_are_written_together",),
            ),
            Mutation(
                name="the events of new orders are forgotten",
                file="infrastructure/postgres/placement_repository.py",
                before="), told AS ({APPENDING})",
                after="), told AS ({APPENDING} LIMIT 0)",
                tests=("contract/test_placements.py::test_what_is_placed_is_written_together[real]",),
            ),
            Mutation(
                name="the events of a payment are forgotten",
                file="infrastructure/postgres/payment_repository.py",
                before="FROM settled WHERE event_id IS NOT NULL",
                after="FROM settled WHERE false",
                tests=(
                    "contract/test_payments.py::test_two_recorders_of_one_payment_make_one_result_and_one_event[real]",
                ),
            ),
            Mutation(
                name="each statement commits by itself",
                file="infrastructure/postgres/session.py",
                before="as session, session.driver.transaction():",
                after="as session:",
                tests=("contract/test_outbox.py::test_an_event_of_a_rolled_back_transaction_never_was[real]",),
            ),
        ),
    ),
    Guard(
        name="wait for the acknowledgement",
        protects="An event leaves the outbox only after the broker has said that it has it.",
        audited=("topics_complete",),
        mutations=(
            Mutation(
                name="archived before the broker answers",
                file="messaging/relay.py",
                before="self.publisher.publish(records))\n",
                after="self.publisher.publish(records))\n        return [Acked(partition=0, offset=0) for _ in rows]\n",
                tests=(f"{RELAY}::test_leases_are_renewed_while_the_broker_is_slow[None]",),
            ),
            Mutation(
                name="archived whatever the broker answers",
                file="messaging/relay.py",
                before="return publishing.result()",
                after="return [Acked(partition=0, offset=0) for _ in rows]",
                tests=(f"{RELAY}::test_a_failed_event_holds_back_the_later_ones_of_its_order_only",),
            ),
            Mutation(
                name="the producer does not wait for its reports",
                file="infrastructure/kafka/producer.py",
                before="await reports.within(self._patience + REPORT_GRACE_SECONDS)",
                after="[Acked(partition=0, offset=0) for _ in records]",
                tests=("integration/test_kafka_publisher.py::test_without_a_broker_every_call_is_bounded",),
            ),
        ),
    ),
    Guard(
        name="shard fencing",
        protects="A worker that was taken for dead changes nothing: another owns its shards, so order is kept.",
        audited=("topics_in_order",),
        mutations=(
            Mutation(
                name="archived without the lease",
                file="infrastructure/postgres/outbox_repository.py",
                before="AND shard = ANY(ARRAY(SELECT shard FROM held))",
                after="",
                tests=("contract/test_outbox.py::test_an_earlier_owner_archives_nothing[real]",),
            ),
            Mutation(
                name="a claim draws no new token",
                file="infrastructure/postgres/shard_leases.py",
                before="token = token + 1",
                after="token = token",
                tests=(
                    f"{LEASES}::test_what_changes_hands_gets_a_new_token[real]",
                    f"{LEASES}::test_a_worker_that_comes_back_takes_its_own_at_once_under_new_tokens[real]",
                ),
            ),
            Mutation(
                name="a lease is renewed by name",
                file="infrastructure/postgres/shard_leases.py",
                before="AND outbox_shards.token = held.token AND owner = :owner\n    RETURNING",
                after="AND owner = :owner\n    RETURNING",
                tests=(f"{LEASES}::test_a_process_does_not_live_on_the_lease_of_its_successor[real]",),
            ),
            Mutation(
                name="rows of anybody's shards are published",
                file="messaging/relay.py",
                before="self.queue.due(tuple(self._tokens)",
                after="self.queue.due(tuple(range(64))",
                tests=(f"{RELAY}::test_only_rows_of_its_own_shards_are_published",),
            ),
        ),
    ),
    Guard(
        name="one event per order under way",
        protects="The events of one order reach the topic in the order of their commits, whatever fails on the way.",
        audited=("topics_in_order",),
        mutations=(
            Mutation(
                name="all of an order at once",
                file="messaging/relay.py",
                before="rows = first_of_each(due, lambda row: row.order_id)",
                after="rows = list(due)",
                tests=(f"{RELAY}::test_one_order_has_one_record_under_way_at_a_time",),
            ),
            Mutation(
                name="later events pass a failed one",
                file="infrastructure/postgres/outbox_repository.py",
                before="failed.outbox_id <= outbox.id",
                after="failed.outbox_id = outbox.id",
                tests=("contract/test_outbox.py::test_a_failed_event_and_all_later_ones_of_its_order_wait[real]",),
            ),
        ),
    ),
    Guard(
        name="key scope",
        protects="An idempotency key is its customer's and its route's: nobody gets the answer to another's request.",
        audited=("one_order_per_key", "one_answer_per_key"),
        mutations=(
            Mutation(
                name="one lock for a key of anybody",
                file="infrastructure/postgres/placement_repository.py",
                before="concat_ws(chr(31), customer_id, route, key)",
                after="key",
                tests=("contract/test_placements.py::test_a_key_belongs_to_its_customer_and_route[real-other0]",),
            ),
            Mutation(
                name="the key of a request names no customer",
                file="entrypoint/http/order_routes.py",
                before="IdempotencyKey(customer_id=request.user.customer,",
                after='IdempotencyKey(customer_id=CustomerId("anybody"),',
                tests=("integration/test_idempotency.py::test_a_key_belongs_to_its_customer",),
            ),
        ),
    ),
    Guard(
        name="fingerprint",
        protects="A key that comes with another body is refused; it does not get the answer to the first.",
        audited=(),
        mutations=(
            Mutation(
                name="the fingerprints are not compared",
                file="usecase/orders/place_orders.py",
                before="if earlier.fingerprint != command.fingerprint:",
                after="if False:",
                tests=(
                    f"{PLACING}::test_a_key_with_another_body_is_refused",
                    f"{PLACING}::test_a_key_with_another_body_is_refused_within_a_batch",
                ),
            ),
            Mutation(
                name="every body has the same fingerprint",
                file="entrypoint/http/idempotency.py",
                before="msgspec.json.encode(body)",
                after='b""',
                tests=("unit/entrypoint/http/test_idempotency.py::test_different_bodies_have_different_fingerprints",),
            ),
        ),
    ),
    Guard(
        name="key claimed before anything is decided",
        protects="A request that is sent again, or twice at once, makes one order.",
        audited=("one_order_per_key", "one_answer_per_key"),
        mutations=(
            Mutation(
                name="what was answered is decided again",
                file="usecase/orders/place_orders.py",
                before="earlier = claim or batch.answers",
                after="earlier = batch.answers",
                tests=(f"{PLACING}::test_the_same_request_again_gets_the_same_answer",),
            ),
            Mutation(
                name="equal requests of one batch do not know each other",
                file="usecase/orders/place_orders.py",
                before="earlier = claim or batch.answers.get(command.idempotency)",
                after="earlier = claim",
                tests=(f"{PLACING}::test_equal_requests_in_one_batch_make_one_order",),
            ),
            Mutation(
                name="a key under way elsewhere is free",
                file="infrastructure/postgres/placement_repository.py",
                before="SELECT pg_try_advisory_xact_lock(",
                after="SELECT 0 < length('free') OR pg_try_advisory_xact_lock(",
                tests=("contract/test_placements.py::test_of_many_at_the_same_moment_one_takes_the_key[real]",),
            ),
        ),
    ),
    Guard(
        name="offsets after commit",
        protects="An offset moves only behind events whose effects are committed: a crash in between loses nothing.",
        audited=("offsets_behind_work", "handled_once"),
        mutations=(
            Mutation(
                name="offsets move as soon as a batch is fetched",
                file="messaging/consumer.py",
                before="= await self._next()\n",
                after="= await self._next()\n            await self.stream.commit(self._batch.deliveries)\n",
                tests=(f"{CONSUMER}::test_offsets_move_only_after_the_commit",),
            ),
            Mutation(
                name="offsets move although the database is away",
                file="messaging/consumer.py",
                before="            await self.stream.hold()\n",
                after="            await self.stream.commit(self._batch.deliveries)\n",
                tests=(f"{CONSUMER}::test_a_dead_letter_that_cannot_be_kept_moves_no_offset",),
            ),
        ),
    ),
    Guard(
        name="lock order",
        protects="Transactions that need the same rows wait for each other in one direction only: no deadlock.",
        audited=(),
        mutations=(
            Mutation(
                name="flights are locked as they are asked for",
                file="infrastructure/postgres/order_repository.py",
                before="{OFFERED} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY",
                after="{OFFERED} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY array_position(:ids, id),",
                tests=(f"{LOCK_ORDER}[real-flights]",),
            ),
            Mutation(
                name="the flights of new orders are locked as they are asked for",
                file="infrastructure/postgres/placement_repository.py",
                before="ORDER BY id FOR NO KEY UPDATE",
                after="ORDER BY array_position(:flights, id) FOR NO KEY UPDATE",
                tests=(f"{LOCK_ORDER}[real-flights of new orders]",),
            ),
            Mutation(
                name="inbox rows are written as they come",
                file="infrastructure/postgres/inbox_repository.py",
                before="ORDER BY event_id ON CONFLICT",
                after="ON CONFLICT",
                tests=(f"{LOCK_ORDER}[real-inbox]",),
            ),
        ),
    ),
    Guard(
        name="attempt counted before the handler",
        protects="A message that ends the process has spent an attempt, so it is a dead letter in the end.",
        audited=("sagas_end",),
        mutations=(
            Mutation(
                name="nothing is counted ahead",
                file="messaging/crash_loop_guard.py",
                before="if self._count(message.delivery) < self.limit]",
                after="if self._count(message.delivery) < 0]",
                tests=(f"{RETRYING}::{KILLER}",),
            ),
            Mutation(
                name="a later attempt is not counted",
                file="infrastructure/postgres/retry_repository.py",
                before="SET attempts = attempts + 1,",
                after="SET attempts = attempts,",
                tests=("contract/test_retries.py::test_the_error_of_an_attempt_too_many_is_kept_for_the_letter[real]",),
            ),
            Mutation(
                name="what was counted ahead and not made stays counted",
                file="messaging/consumer.py",
                before="await transaction.retries.give_back(self.name, dict.fromkeys(self._counted, 1))",
                after="pass",
                tests=(f"{RETRYING}::test_an_absent_database_takes_back_what_was_counted_ahead",),
            ),
            Mutation(
                name="what was counted ahead and has to wait stays counted",
                file="messaging/consumer.py",
                before="await transaction.retries.give_back(self.name, waiting)",
                after="pass",
                tests=(f"{RETRYING}::test_what_waits_in_a_counted_batch_keeps_its_place_before_the_later_ones",),
            ),
            Mutation(
                name="an attempt that met no database stays counted",
                file="messaging/retry_loop.py",
                before="await transaction.retries.give_back(self.name, {",
                after="dict({",
                tests=(f"{RETRYING}::test_an_absent_database_spends_no_attempt",),
            ),
        ),
    ),
    Guard(
        name="an attempt is its counter's",
        protects="Of two processes that have the same message, the one whose count is the newest handles it.",
        audited=(),
        mutations=(
            Mutation(
                name="taken whoever counted last",
                file="infrastructure/postgres/retry_repository.py",
                before="DELETE FROM inbox_retries AS kept WHERE {_OURS} AND kept.attempts = {_TRIED}",
                after="DELETE FROM inbox_retries AS kept WHERE {_OURS} AND 0 < {_TRIED}",
                tests=("contract/test_retries.py::test_only_the_attempt_that_was_counted_takes_the_message[real]",),
            ),
            Mutation(
                name="deferred whoever counted last",
                file="infrastructure/postgres/retry_repository.py",
                before="AND event_id = :event_id AND attempts = :attempts",
                after="AND event_id = :event_id AND :attempts > 0",
                tests=("contract/test_retries.py::test_a_failure_of_an_attempt_that_is_over_changes_nothing[real]",),
            ),
        ),
    ),
    Guard(
        name="later events wait behind a kept one",
        protects="A message that gets another attempt is not overtaken by the next one of its order.",
        audited=(),
        mutations=(
            Mutation(
                name="an order's kept message holds nothing back",
                file="infrastructure/postgres/inbox_repository.py",
                before="AND held.order_id = event.order_id AND",
                after="AND false AND",
                tests=("contract/test_retries.py::test_events_behind_a_kept_one_are_not_free[real]",),
            ),
            Mutation(
                name="whatever is due is tried",
                file="infrastructure/postgres/retry_repository.py",
                before="AND earlier.id < head.id",
                after="AND false",
                tests=("contract/test_retries.py::test_only_the_oldest_of_an_order_is_due[real]",),
            ),
        ),
    ),
    Guard(
        name="dead letters through the outbox",
        protects="A dead letter is in its topic, too: its record is written with it.",
        audited=("dead_letters_told",),
        mutations=(
            Mutation(
                name="a dead letter without its record",
                file="infrastructure/postgres/dead_letter_repository.py",
                before=":shard, now() FROM letter",
                after=":shard, now() FROM letter WHERE false",
                tests=(AUDIT,),
            ),
        ),
    ),
    Guard(
        name="stable key at the gateway",
        protects="A charge that is asked for again is the same charge: the gateway takes the money once.",
        audited=("gateway_agrees",),
        mutations=(
            Mutation(
                name="a charge is given up under another key",
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
                name="a call is nobody's",
                file="infrastructure/postgres/payment_repository.py",
                before="AND (claimed_until IS NULL OR claimed_until < :at)",
                after="",
                tests=("contract/test_payments.py::test_a_claim_holds_until_its_lease_ends[real]",),
            ),
        ),
    ),
    Guard(
        name="an answer counts while it is awaited",
        protects="A late or second answer of the gateway changes nothing: one result, one event, one capture.",
        audited=("gateway_agrees", "money_for_tickets"),
        mutations=(
            Mutation(
                name="any answer counts",
                file="infrastructure/postgres/payment_repository.py",
                before=AWAITED,
                after=AWAITED.replace("payments.status = answer.asked", "true").replace(
                    "payments.status = awaited.asked", "true"
                ),
                tests=("contract/test_payments.py::test_only_an_answer_that_is_awaited_is_written_and_told[real]",),
            ),
            Mutation(
                name="the gateway captures what was voided",
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
        name="who may",
        protects="A token is for us and in date; another's order is not there; operators alone operate.",
        audited=(),
        mutations=(
            Mutation(
                name="a token for somebody else",
                file="entrypoint/http/tokens.py",
                before='{"require": REQUIRED}',
                after='{"require": REQUIRED, "verify_aud": False}',
                tests=(f"{TOKENS}[wrong audience]",),
            ),
            Mutation(
                name="a token without an end",
                file="entrypoint/http/tokens.py",
                before="leeway=CLOCK_SKEW_SECONDS",
                after="leeway=10**9",
                tests=(f"{TOKENS}[expired]",),
            ),
            Mutation(
                name="everybody sees every order",
                file="entrypoint/http/tokens.py",
                before='return None if "operator" in user.roles else user.customer',
                after="return None",
                tests=(
                    "integration/test_http_ownership.py::test_another_customers_order_does_not_exist[ann-bob-]",
                    "integration/test_http_changes.py::test_another_customers_order_does_not_exist[cancel]",
                ),
            ),
            Mutation(
                name="everybody changes every order",
                file="usecase/orders/order_moves.py",
                before="if order is None or customer_id not in {None, order.customer_id}:",
                after="if order is None:",
                tests=("integration/test_http_changes.py::test_another_customers_order_does_not_exist[refund]",),
            ),
            Mutation(
                name="everybody operates",
                file="entrypoint/http/auth.py",
                before='or "operator" not in user.roles',
                after="",
                tests=("unit/entrypoint/http/test_auth.py::test_operators_pass_the_guard_and_nobody_else",),
            ),
        ),
    ),
)

MUTATIONS: Final = tuple(mutation for guard in GUARDS for mutation in guard.mutations)
