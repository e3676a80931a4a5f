from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from ordersys.infrastructure.postgres.codec import to_json
from ordersys.infrastructure.postgres.session import Session
from ordersys.messaging.retry import DeadLetter

ADD = text("""
    INSERT INTO dead_letters (id, consumer, event_id, order_id, type, topic, partition, "offset", key, value, headers,
        attempts, error, status, created_at)
    VALUES (uuidv7(), :consumer, :event_id, :order_id, :type, :topic, :partition, :offset, :key, :value,
        CAST(:headers AS jsonb), :attempts, :error, 'NEW', now())
    ON CONFLICT (consumer, topic, partition, "offset") DO NOTHING
""")
ERROR_LENGTH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRepository:
    """Implements messaging.retry.DeadLetters."""

    connection: Session

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            await self.connection.execute(ADD, _columns(letter))


def _columns(letter: DeadLetter) -> dict[str, object]:
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
        # Header values are bytes of anyone's making; latin-1 keeps each byte.
        "headers": to_json({name: value.decode("latin-1") for name, value in delivery.headers.items()}).replace(
            "\\u0000", "\\ufffd"
        ),
        "attempts": letter.attempts,
        "error": letter.error[:ERROR_LENGTH].replace("\0", "\ufffd"),
    }
