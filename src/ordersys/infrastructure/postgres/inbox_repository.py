"""The inbox: insert first, and what the insert did not bring back was handled before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from ordersys.domain.shared.ids import EventId
from ordersys.infrastructure.postgres.session import Session
from ordersys.messaging.inbox import Message

# Not the transaction's beginning: an event that waited for another must not look like the earlier one.
_EVENTS = """
    INSERT INTO inbox_events (consumer, event_id, type, order_id, processed_at)
    SELECT :consumer, event_id, type, order_id, statement_timestamp()
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:types AS text[]), CAST(:orders AS uuid[]))
        AS event (event_id, type, order_id)
"""
# Sorted: two consumers that claim overlapping batches wait for each other in one direction only.
_ONCE = "ORDER BY event_id ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id"

CLAIM = text(f"{_EVENTS} {_ONCE}")

# Both tables are all but empty, and asked by the order's index when they are not.
CLAIM_FREE = text(f"""
    {_EVENTS}
    WHERE NOT EXISTS (SELECT FROM inbox_retries AS held WHERE held.consumer = :consumer
            AND held.order_id = event.order_id AND held.event_id <> ALL (CAST(:passing AS uuid[])))
        AND NOT EXISTS (SELECT FROM dead_letters AS dead WHERE dead.consumer = :consumer
            AND dead.order_id = event.order_id AND dead.event_id = event.event_id AND dead.status <> 'REPLAYED')
    {_ONCE}
""")  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRepository:
    """Implements messaging.inbox.Inbox."""

    connection: Session

    async def claim(self, consumer: str, messages: Sequence[Message]) -> set[EventId]:
        rows = await self.connection.execute(CLAIM, {"consumer": consumer, **_columns(messages)})
        return set(rows.scalars())

    async def claim_free(
        self, consumer: str, messages: Sequence[Message], *, passing: Collection[EventId]
    ) -> set[EventId]:
        bound = {"consumer": consumer, "passing": list(passing), **_columns(messages)}
        return set((await self.connection.execute(CLAIM_FREE, bound)).scalars())


def _columns(messages: Sequence[Message]) -> dict[str, object]:
    return {
        "event_ids": [message.event_id for message in messages],
        "types": [message.type for message in messages],
        "orders": [message.order_id for message in messages],
    }
