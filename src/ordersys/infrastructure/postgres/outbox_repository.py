"""The outbox, for the relay and the use cases: insert and delete only, as CDC and vacuum require."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.postgres.codec import cause_from, copy_from
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.low_water_mark import LowWaterMark, PassObservation
from ordersys.infrastructure.postgres.outbox_insert import INSERT_ENTRIES, event_columns
from ordersys.infrastructure.postgres.session import Row, Session, opened
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.outbox import FailedPublish, OutboxRow, PublishedRow, StuckRow
from ordersys.messaging.topics import DEAD_LETTERS
from ordersys.messaging.unit_of_work import Notifier, NullNotifier

APPEND = text(INSERT_ENTRIES)

# What waits for its next attempt, or is parked, holds back the later rows of its order; the table of those is all but
# empty, so each row is held against a hash of it, and only those that are in there cost a look at the table itself.
# Rows below the floor are looked at only where a next attempt is to come.
DUE = text("""
    SELECT id, event_id, aggregateid, aggregatetype, type, headers ->> 'source', payload, CAST(headers AS text), shard,
        occurred_at,
        CASE WHEN id IN (SELECT outbox_id FROM outbox_attempts)
            THEN (SELECT attempts FROM outbox_attempts WHERE outbox_id = outbox.id) ELSE 0 END AS attempts,
        (SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)) AS oldest_running,
        (SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)) AS next_to_begin
    FROM outbox
    WHERE id >= least(:floor, (SELECT min(outbox_id) FROM outbox_attempts WHERE parked_at IS NULL))
        AND shard = ANY(CAST(:shards AS smallint[]))
        AND aggregateid NOT IN (SELECT unnest(CAST(:under_way AS uuid[])))
        AND (aggregateid NOT IN (SELECT order_id FROM outbox_attempts) OR NOT EXISTS (
            SELECT FROM outbox_attempts AS failed
            WHERE failed.order_id = outbox.aggregateid AND failed.outbox_id <= outbox.id
                AND (failed.parked_at IS NOT NULL OR failed.next_attempt_at > now())))
    ORDER BY id LIMIT :limit
""")

# The share lock on the shards makes the fence: a new owner's claim waits for this, or this finds the token changed.
# The rows are found by an array of ids, never by a join: a plan made for a short queue would read a long one whole.
ARCHIVE = text("""
    WITH held AS MATERIALIZED (
        SELECT shard FROM outbox_shards
        JOIN unnest(CAST(:shards AS smallint[]), CAST(:tokens AS bigint[])) AS mine (shard, token) USING (shard, token)
        ORDER BY shard FOR SHARE OF outbox_shards
    ), gone AS (
        DELETE FROM outbox WHERE id = ANY(CAST(:ids AS bigint[])) AND shard = ANY(ARRAY(SELECT shard FROM held))
        RETURNING *
    ), forgotten AS (
        DELETE FROM outbox_attempts USING gone WHERE outbox_attempts.outbox_id = gone.id
    )
    INSERT INTO outbox_archive (id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at,
        topic, partition, "offset", attempts, published_at)
    SELECT id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at,
        topic, partition, "offset", attempts, now()
    FROM gone JOIN unnest(CAST(:ids AS bigint[]), CAST(:topics AS text[]), CAST(:partitions AS int[]),
        CAST(:offsets AS bigint[]), CAST(:attempts AS int[])) AS sent (id, topic, partition, "offset", attempts)
        USING (id)
""")

# Of all that waits, over the rows of the outbox. Other statements have it as a part.
OLDEST_SECONDS: Final = "coalesce(greatest(extract(epoch FROM now() - min(occurred_at)), 0), 0)"

# All that waits, from the lowest id on: the table is as large as the longest queue that it ever was.
WAITING: Final = "outbox WHERE id >= (SELECT min(id) FROM outbox)"

BACKLOG = text(f"""
    SELECT count(*) AS pending, CAST({OLDEST_SECONDS} AS float8) AS oldest_seconds FROM {WAITING}
""")  # noqa: S608 - constants only

# Only for rows that are there: one that another worker has archived meanwhile must hold nothing back.
DEFER = text("""
    INSERT INTO outbox_attempts AS earlier (outbox_id, order_id, attempts, next_attempt_at, last_error, parked_at)
    SELECT id, aggregateid, 1, now() + coalesce(delay, 0) * interval '1 second', error,
        CASE WHEN delay IS NULL THEN now() END
    FROM unnest(CAST(:ids AS bigint[]), CAST(:delays AS float8[]), CAST(:errors AS text[]))
        AS failed (id, delay, error) JOIN outbox USING (id) FOR SHARE OF outbox
    ON CONFLICT (outbox_id) DO UPDATE SET attempts = earlier.attempts + 1,
        next_attempt_at = excluded.next_attempt_at, last_error = excluded.last_error, parked_at = excluded.parked_at
""")


STUCK = text("""
    SELECT id, event_id, aggregateid, type, attempts, last_error, next_attempt_at, parked_at
    FROM outbox_attempts JOIN outbox ON id = outbox_id ORDER BY parked_at NULLS LAST, id LIMIT :limit
""")

UNPARK = text("""
    UPDATE outbox_attempts SET parked_at = NULL, next_attempt_at = now() WHERE outbox_id = :id AND parked_at IS NOT NULL
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRepository:
    """Implements messaging.outbox.Outbox."""

    connection: Session

    async def append(self, events: Sequence[Outgoing]) -> None:
        await self.connection.execute(APPEND, event_columns(events))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOutboxQueue:
    """Implements messaging.outbox.OutboxQueue; every call is a short transaction of its own."""

    engine: AsyncEngine
    low_water_mark: LowWaterMark = field(default_factory=LowWaterMark)
    notifier: Notifier = field(default_factory=NullNotifier)

    async def due(self, shards: Sequence[int], limit: int, under_way: Sequence[OutboxRow] = ()) -> Sequence[OutboxRow]:
        low_water_mark = self.low_water_mark.below(shards)
        busy = [row.order_id for row in under_way]
        bound = {"shards": shards, "limit": limit, "floor": low_water_mark, "under_way": busy}
        with translated():
            async with opened(self.engine) as connection:
                rows = (await connection.execute(DUE, bound)).all()
        self.low_water_mark.passed(shards, low_water_mark, _glimpse(rows[0], under_way) if rows else None)
        return [_row(row) for row in rows]

    async def backlog(self) -> tuple[int, float]:
        """How many events wait, and the age of the oldest in seconds."""
        with translated():
            async with opened(self.engine) as connection:
                row = (await connection.execute(BACKLOG)).one()
        return row.pending, row.oldest_seconds

    async def stuck(self, limit: int) -> Sequence[StuckRow]:
        """What failed so far, the parked ones first."""
        with translated():
            async with opened(self.engine) as connection:
                return [_stuck(row) for row in await connection.execute(STUCK, {"limit": limit})]

    async def unpark(self, row_id: int) -> bool:
        """Has a parked row tried again. False when there is no such row, or it is not parked."""
        with translated():
            async with opened(self.engine) as connection:
                return (await connection.execute(UNPARK, {"id": row_id})).rowcount > 0

    async def archive(self, published: Sequence[PublishedRow], tokens: Mapping[int, int]) -> int:
        shards = {one.row.shard for one in published} & tokens.keys()
        columns = {
            "shards": list(shards),
            "tokens": [tokens[shard] for shard in shards],
            "ids": [one.row.id for one in published],
            "topics": [one.topic for one in published],
            "partitions": [one.ack.partition for one in published],
            "offsets": [one.ack.offset for one in published],
            "attempts": [one.row.attempts + 1 for one in published],
        }
        with translated():
            async with opened(self.engine) as connection:
                moved = (await connection.execute(ARCHIVE, columns)).rowcount
        self.notifier.notify(one.row.order_id for one in published)
        return moved

    async def defer(self, failed: Sequence[FailedPublish]) -> None:
        columns = {
            "ids": [one.row.id for one in failed],
            "delays": [one.delay for one in failed],
            "errors": [one.error[:500] for one in failed],
        }
        with translated():
            async with opened(self.engine) as connection:
                await connection.execute(DEFER, columns)
        self.notifier.notify(one.row.order_id for one in failed)


def _row(row: Row) -> OutboxRow:
    """By position, as this is done for every row that is published."""
    number, event_id, order_id, stream, kind, source, payload, headers, shard, occurred_at, attempts, _, _ = row
    copy = copy_from(headers) if stream == DEAD_LETTERS else None
    cause = cause_from(headers)
    return OutboxRow(
        number, event_id, order_id, stream, kind, source or "", payload, cause, shard, occurred_at, attempts, copy
    )


def _glimpse(row: Row, under_way: Sequence[OutboxRow]) -> PassObservation:
    """What is under way is still there, and comes back if it is not archived in the end."""
    lowest = min((row.id, *(one.id for one in under_way)))
    return PassObservation(lowest=lowest, oldest_running=row.oldest_running, next_to_begin=row.next_to_begin)


def _stuck(row: Row) -> StuckRow:
    return StuckRow(
        id=row.id,
        event_id=row.event_id,
        order_id=row.aggregateid,
        type=row.type,
        attempts=row.attempts,
        error=row.last_error,
        next_attempt_at=row.next_attempt_at,
        parked_at=row.parked_at,
    )
