"""Dead letters. The statement that stores a new one also writes its record for the dead letter topic to the outbox."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import text

from ordersys.infrastructure.postgres.codec import NO_NUL, cause_to_json, delivered_from, error_to_text, headers_to_json
from ordersys.infrastructure.postgres.outbox_insert import ENTRIES, OutboxEntry, entry_columns, insert_from
from ordersys.infrastructure.postgres.session import Session
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Cause, Copy, Delivery
from ordersys.messaging.outbox import shard_of
from ordersys.messaging.topics import DEAD_LETTERED, DEAD_LETTERS
from ordersys.usecase.dead_letters.ports import DeadLetterStatus, LockedDeadLetter

# One that was replayed and failed again is the same letter, new again, and not pruned as a resolved one would be.
# `resolved_by` goes on telling who replayed it.
ADD = text(f"""
    WITH letter AS (
        INSERT INTO dead_letters AS known (id, consumer, event_id, order_id, type, topic, partition, "offset", key,
            value, headers, attempts, error, status, created_at)
        VALUES (uuidv7(), :consumer, :event_id, :order_id, :type, :topic, :partition, :offset, :key, :value,
            CAST(:record_headers AS jsonb), :attempts, :error, 'NEW', now())
        ON CONFLICT (consumer, topic, partition, "offset") DO UPDATE SET status = 'NEW', error = excluded.error,
            attempts = excluded.attempts, created_at = excluded.created_at, resolved_at = NULL
        WHERE known.status = 'REPLAYED' AND NOT EXISTS (
            SELECT FROM inbox_events AS done WHERE done.consumer = known.consumer AND done.event_id = known.event_id)
        RETURNING id
    )
    {insert_from(f"letter, {ENTRIES}")}
""")  # noqa: S608 - constants only

LOCK = text("""
    SELECT id, consumer, status, topic, partition, "offset", key, value, CAST(headers AS text) AS headers
    FROM dead_letters WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
""")

RESOLVE = text("""
    UPDATE dead_letters SET status = :status, resolved_by = :by, resolved_at = now()
    WHERE id = ANY(CAST(:ids AS uuid[]))
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRepository:
    """Implements messaging.dead_letters.DeadLetters."""

    connection: Session

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            await self.connection.execute(ADD, {**_letter(letter), **entry_columns([_record(letter)])})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterResolutionRepository:
    """Implements usecase.dead_letters.ports.Letters."""

    connection: Session

    async def lock(self, ids: Iterable[UUID]) -> Mapping[UUID, LockedDeadLetter]:
        rows = await self.connection.execute(LOCK, {"ids": list(ids)})
        return {
            row.id: LockedDeadLetter(
                id=row.id, consumer=row.consumer, status=DeadLetterStatus(row.status), delivery=delivered_from(row)
            )
            for row in rows
        }

    async def resolve(self, ids: Iterable[UUID], status: DeadLetterStatus, *, by: str) -> None:
        await self.connection.execute(RESOLVE, {"ids": list(ids), "status": status, "by": by})


def _letter(letter: DeadLetter) -> dict[str, object]:
    delivery = letter.delivery
    return {
        "consumer": letter.consumer,
        "event_id": letter.event_id,
        "order_id": letter.order_id,
        "type": letter.type,
        "topic": delivery.topic,
        "partition": delivery.partition,
        "offset": delivery.offset,
        "key": delivery.key,
        "value": delivery.value,
        "record_headers": headers_to_json(delivery.headers),
        "attempts": letter.attempts,
        "error": error_to_text(letter.error),
    }


def _record(letter: DeadLetter) -> OutboxEntry:
    """Returns the record for the dead letter topic. It has a key of its own, so that it never blocks the order's
    events.
    """
    delivery = letter.delivery
    place = uuid5(NAMESPACE_URL, f"{letter.consumer}/{delivery.topic}/{delivery.partition}/{delivery.offset}")
    payload, encoding = _payload(delivery.value)
    added = {
        "dlq_consumer": letter.consumer,
        "dlq_error": error_to_text(letter.error),
        "dlq_attempts": str(letter.attempts),
        "dlq_topic": delivery.topic,
        "dlq_partition": str(delivery.partition),
        "dlq_offset": str(delivery.offset),
    }
    headers = {**delivery.headers, **{name: text.encode() for name, text in added.items()}}
    copy = Copy(key=delivery.key, encoding=encoding, headers=tuple(headers.items()))
    return OutboxEntry(
        event_id=None,
        stream=DEAD_LETTERS,
        order_id=place,
        type=DEAD_LETTERED,
        payload=payload,
        headers=cause_to_json(_cause(letter.event_id, delivery), source=letter.consumer, copy=copy),
        shard=shard_of(place),
        occurred_at=None,
    )


def _payload(value: bytes | None) -> tuple[str, Literal["text", "base64", "none"]]:
    if value is None:
        return "", "none"
    try:
        readable = value.decode()
    except UnicodeDecodeError:
        readable = "\0"
    return (b64encode(value).decode(), "base64") if "\0" in readable else (readable, "text")


def _cause(event_id: UUID | None, delivery: Delivery) -> Cause:
    def said(name: str) -> str:
        return delivery.headers.get(name, b"").decode(errors="replace").replace("\0", NO_NUL)

    return Cause(
        correlation_id=said("correlationid"),
        causation_id=str(event_id) if event_id else said("ce_id"),
        traceparent=said("traceparent"),
    )
