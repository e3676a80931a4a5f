"""The inbox: insert first, and what the insert did not bring back was handled before."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from ordersys.domain.shared.ids import EventId
from ordersys.infrastructure.postgres.session import Session
from ordersys.messaging.inbox import Message

# Sorted: two consumers that claim overlapping batches wait for each other in one direction only.
CLAIM = text("""
    INSERT INTO inbox_events (consumer, event_id, type, order_id, processed_at)
    SELECT :consumer, event_id, type, order_id, now()
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:types AS text[]), CAST(:orders AS uuid[]))
        AS event (event_id, type, order_id)
    ORDER BY event_id
    ON CONFLICT (consumer, event_id) DO NOTHING
    RETURNING event_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRepository:
    """Implements messaging.inbox.Inbox."""

    connection: Session

    async def claim(self, consumer: str, messages: Sequence[Message]) -> set[EventId]:
        columns = {
            "event_ids": [message.event_id for message in messages],
            "types": [message.type for message in messages],
            "orders": [message.order_id for message in messages],
        }
        rows = await self.connection.execute(CLAIM, {"consumer": consumer, **columns})
        return set(rows.scalars())
