"""The retry queue: one row per consumer and event. The next attempt is for a due row that is the oldest of its
order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from ordersys.domain.shared.ids import EventId
from ordersys.infrastructure.postgres.codec import delivered_from, error_to_text, headers_to_json
from ordersys.infrastructure.postgres.session import Session
from ordersys.messaging.retry_queue import NO_OUTCOME, WAITS, QueuedMessage, RetryableMessage

_STORE = """
    INSERT INTO inbox_retries AS kept (consumer, event_id, order_id, type, topic, partition, "offset", key, value,
        headers, attempts, next_attempt_at, error, created_at)
    SELECT :consumer, event_id, order_id, type, topic, partition, "offset", key, value, CAST(headers AS jsonb),
        :attempts, now() + :delay * interval '1 second', :error, now()
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:orders AS uuid[]), CAST(:types AS text[]), CAST(:topics AS text[]),
        CAST(:partitions AS int[]), CAST(:offsets AS bigint[]), CAST(:keys AS bytea[]), CAST(:values AS bytea[]),
        CAST(:headers AS text[])) WITH ORDINALITY
        AS event (event_id, order_id, type, topic, partition, "offset", key, value, headers, position)
"""
# Each event is looked up separately (OFFSET 0): a plan made for small tables would compare it with every event that the
# consumer ever handled.
_UNSETTLED = """
    NOT EXISTS (SELECT FROM inbox_events AS done
        WHERE done.consumer = :consumer AND done.event_id = event.event_id OFFSET 0)
    AND NOT EXISTS (SELECT FROM dead_letters AS dead WHERE dead.consumer = :consumer
        AND dead.order_id = event.order_id AND dead.event_id = event.event_id AND dead.status <> 'REPLAYED' OFFSET 0)
"""
# The messages of a batch, by index, and their expected numbers of attempts.
_OURS = "kept.consumer = :consumer AND kept.event_id = ANY(CAST(:event_ids AS uuid[]))"
_TRIED = "(CAST(:attempts AS int[]))[array_position(CAST(:event_ids AS uuid[]), kept.event_id)]"

# The ids follow the order of the messages.
ENQUEUE = text(f"""
    {_STORE} WHERE {_UNSETTLED} ORDER BY position
    ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id
""")

RESERVE_FIRST_ATTEMPT = text(f"""
    {_STORE} WHERE {_UNSETTLED} AND NOT EXISTS (
        SELECT FROM inbox_retries AS held WHERE held.consumer = :consumer AND held.order_id = event.order_id OFFSET 0)
    ORDER BY position
    ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id
""")

# The row exists already if its first attempt was reserved.
RECORD_FIRST_FAILURE = text(f"""
    {_STORE}
    ON CONFLICT (consumer, event_id) DO UPDATE SET error = excluded.error, next_attempt_at = excluded.next_attempt_at
    WHERE kept.attempts = excluded.attempts
""")

REMOVE_IF_UNCHANGED = text(f"""
    DELETE FROM inbox_retries AS kept WHERE {_OURS} AND kept.attempts = {_TRIED} RETURNING event_id
""")  # noqa: S608 - constants only

LOCK_IF_UNCHANGED = text(f"""
    SELECT event_id FROM inbox_retries AS kept WHERE {_OURS} AND kept.attempts = {_TRIED} ORDER BY id FOR UPDATE
""")  # noqa: S608 - constants only

# The error of a last attempt that ended the process is kept for the dead letter.
CLAIM_NEXT_ATTEMPT = text("""
    UPDATE inbox_retries SET attempts = attempts + 1,
        error = CASE WHEN attempts <= cardinality(CAST(:delays AS float8[])) THEN :error ELSE error END,
        next_attempt_at = now() + interval '1 second'
            * (CAST(:delays AS float8[]))[least(attempts + 1, cardinality(CAST(:delays AS float8[])))]
    WHERE consumer = :consumer AND event_id = (
        SELECT event_id FROM inbox_retries AS head
        WHERE consumer = :consumer AND next_attempt_at <= now() AND NOT EXISTS (
            SELECT FROM inbox_retries AS earlier
            WHERE earlier.consumer = head.consumer AND earlier.order_id = head.order_id AND earlier.id < head.id)
        ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING event_id, order_id, type, topic, partition, "offset", key, value, CAST(headers AS text) AS headers,
        attempts, error
""")

RECORD_FAILURE = text("""
    UPDATE inbox_retries SET error = :error, next_attempt_at = now() + :delay * interval '1 second'
    WHERE consumer = :consumer AND event_id = :event_id AND attempts = :attempts
""")

UNCOUNT_ATTEMPTS = text(f"""
    UPDATE inbox_retries AS kept SET attempts = attempts - 1, next_attempt_at = now()
    WHERE {_OURS} AND kept.attempts >= {_TRIED}
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRepository:
    """Implements messaging.retry_queue.RetryQueue."""

    connection: Session

    async def reserve_first_attempt(
        self, consumer: str, messages: Sequence[RetryableMessage], delay: float
    ) -> set[EventId]:
        bound = {"consumer": consumer, "attempts": 1, "delay": delay, "error": NO_OUTCOME, **_columns(messages)}
        return set((await self.connection.execute(RESERVE_FIRST_ATTEMPT, bound)).scalars())

    async def lock_if_unchanged(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        bound = {"consumer": consumer, "event_ids": list(attempts), "attempts": list(attempts.values())}
        return set((await self.connection.execute(LOCK_IF_UNCHANGED, bound)).scalars())

    async def remove_if_unchanged(self, consumer: str, attempts: Mapping[EventId, int]) -> set[EventId]:
        bound = {"consumer": consumer, "event_ids": list(attempts), "attempts": list(attempts.values())}
        return set((await self.connection.execute(REMOVE_IF_UNCHANGED, bound)).scalars())

    async def enqueue(self, consumer: str, messages: Sequence[RetryableMessage]) -> set[EventId]:
        bound = {"consumer": consumer, "attempts": 0, "delay": 0.0, "error": WAITS, **_columns(messages)}
        return set((await self.connection.execute(ENQUEUE, bound)).scalars())

    async def record_first_failure(self, consumer: str, message: RetryableMessage, error: str, delay: float) -> None:
        told = error_to_text(error)
        bound = {"consumer": consumer, "attempts": 1, "delay": delay, "error": told, **_columns([message])}
        await self.connection.execute(RECORD_FIRST_FAILURE, bound)

    async def claim_next_attempt(self, consumer: str, delays: Sequence[float]) -> QueuedMessage | None:
        bound = {"consumer": consumer, "delays": list(delays), "error": NO_OUTCOME}
        row = (await self.connection.execute(CLAIM_NEXT_ATTEMPT, bound)).one_or_none()
        if row is None:
            return None
        return QueuedMessage(
            event_id=row.event_id,
            order_id=row.order_id,
            type=row.type,
            delivery=delivered_from(row),
            attempts=row.attempts,
            error=row.error,
        )

    async def record_failure(self, consumer: str, event_id: EventId, attempts: int, error: str, delay: float) -> None:
        ours = {"consumer": consumer, "event_id": event_id, "attempts": attempts}
        await self.connection.execute(RECORD_FAILURE, {**ours, "error": error_to_text(error), "delay": delay})

    async def uncount_attempts(self, consumer: str, attempts: Mapping[EventId, int]) -> None:
        bound = {"consumer": consumer, "event_ids": list(attempts), "attempts": list(attempts.values())}
        await self.connection.execute(UNCOUNT_ATTEMPTS, bound)


def _columns(messages: Sequence[RetryableMessage]) -> dict[str, object]:
    deliveries = [message.delivery for message in messages]
    return {
        "event_ids": [message.event_id for message in messages],
        "orders": [message.order_id for message in messages],
        "types": [message.type for message in messages],
        "topics": [delivery.topic for delivery in deliveries],
        "partitions": [delivery.partition for delivery in deliveries],
        "offsets": [delivery.offset for delivery in deliveries],
        "keys": [delivery.key for delivery in deliveries],
        "values": [delivery.value for delivery in deliveries],
        "headers": [headers_to_json(delivery.headers) for delivery in deliveries],
    }
