"""The one way to write rows of the outbox: all events, and the records for the dead letter topic.

Invariant: ids of the outbox follow the order of the entries, since unnest keeps the order of its arrays.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ordersys.infrastructure.postgres.codec import cause_to_json, to_json
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.outbox import shard_of

_COLUMNS: Final = "event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at"

# The bound entries, as a relation.
ENTRIES: Final = f"""
    unnest(CAST(:event_ids AS uuid[]), CAST(:streams AS text[]), CAST(:orders AS uuid[]), CAST(:types AS text[]),
        CAST(:payloads AS text[]), CAST(:headers AS text[]), CAST(:shards AS smallint[]),
        CAST(:moments AS timestamptz[])) WITH ORDINALITY AS entry ({_COLUMNS}, position)
"""


def insert_from(source: str) -> str:
    """Returns the INSERT of the entries in `source`, a relation with the columns of ENTRIES."""
    return f"""
        INSERT INTO outbox ({_COLUMNS})
        SELECT coalesce(event_id, uuidv7()), aggregatetype, aggregateid, type, payload, CAST(headers AS jsonb), shard,
            coalesce(occurred_at, now())
        FROM {source} ORDER BY position
    """  # noqa: S608 - constants only


# Also a part of other statements.
INSERT_ENTRIES: Final = insert_from(ENTRIES)


class OutboxEntry(NamedTuple):
    """A row to insert. If `event_id` or `occurred_at` is None, PostgreSQL generates it."""

    event_id: UUID | None
    stream: str
    order_id: UUID
    type: str
    payload: str
    headers: str
    shard: int
    occurred_at: datetime | None


_NOTHING: Final = (None,) * len(OutboxEntry._fields)
_BOUND: Final = ("event_ids", "streams", "orders", "types", "payloads", "headers", "shards", "moments")


def entry_of(event: Outgoing) -> OutboxEntry:
    payload = event.event
    return OutboxEntry(
        event.event_id,
        payload.STREAM,
        event.order_id,
        payload.TYPE,
        to_json(payload),
        cause_to_json(event.cause, source=payload.SOURCE),
        shard_of(event.order_id),
        event.occurred_at,
    )


def entry_columns(entries: Sequence[OutboxEntry | None]) -> dict[str, object]:
    """Returns the parameters of ENTRIES. Every column of a None is null."""
    columns = zip(*(entry or _NOTHING for entry in entries), strict=True)
    return dict.fromkeys(_BOUND, ()) | {name: list(column) for name, column in zip(_BOUND, columns, strict=False)}


def event_columns(events: Sequence[Outgoing | None]) -> dict[str, object]:
    """Returns the parameters of ENTRIES for these events."""
    return entry_columns([entry_of(event) if event else None for event in events])
