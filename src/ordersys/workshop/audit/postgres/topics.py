"""Invariants of the topics, as our own reader found them: all that was archived, nothing else, in its order.

A record is a duplicate when an earlier one has its event id: allowed, since publishing is at least once.
"""

from typing import Final

from ordersys.messaging.topics import DEAD_LETTERS
from ordersys.workshop.audit.postgres.check import KEPT, SUBSCRIBED, InvariantCheck

DATED: Final = f"r.milliseconds >= extract(epoch FROM {KEPT}) * 1000"
EXPIRED: Final = """
    SELECT FROM audit_spans AS span
    WHERE span.topic = e.topic AND span.partition = e.partition AND e."offset" < span.first
"""

PUBLISHED = InvariantCheck(
    name="topics_complete",
    meaning="Every archived event is in its topic.",
    needs="topics",
    checked="SELECT count(*) FROM audit_events WHERE published_at < :before_topics",
    # A dead letter's record carries the original's id, so it is known by its place.
    broken=f"""
        SELECT CAST(e.event_id AS text) AS subject, e.type || ' of order ' || e.order_id || ' is not in ' || e.topic
            || '; it was acknowledged at [' || e.partition || ']@' || e."offset" AS reason
        FROM audit_events AS e
        WHERE e.published_at < :before_topics AND e.stream <> '{DEAD_LETTERS}'
            AND NOT EXISTS (SELECT FROM audit_records AS r WHERE r.event_id = e.event_id AND r.topic = e.topic)
            AND NOT EXISTS ({EXPIRED})
        UNION ALL
        SELECT CAST(e.event_id AS text), 'the dead letter of order ' || e.order_id || ' is not at ' || e.topic
            || '[' || e.partition || ']@' || e."offset"
        FROM audit_events AS e
        WHERE e.published_at < :before_topics AND e.stream = '{DEAD_LETTERS}' AND e."offset" >= 0
            AND NOT EXISTS (SELECT FROM audit_records AS r
                WHERE r.topic = e.topic AND r.partition = e.partition AND r."offset" = e."offset")
            AND NOT EXISTS ({EXPIRED})
    """,  # noqa: S608 - constants only
)

GHOSTS = InvariantCheck(
    name="topics_without_ghosts",
    meaning="Topics contain no event that was never committed.",
    needs="topics",
    checked="SELECT count(*) FROM audit_records WHERE event_id IS NOT NULL",
    broken=f"""
        SELECT CAST(r.event_id AS text) AS subject, coalesce(r.type, 'an event') || ' of order '
            || coalesce(CAST(r.order_id AS text), '?') || ' at ' || r.topic || '[' || r.partition || ']@' || r."offset"
            || ' was never written' AS reason
        FROM audit_records AS r
        WHERE r.event_id IS NOT NULL AND r.topic NOT LIKE '%{DEAD_LETTERS}' AND {DATED}
            AND NOT EXISTS (SELECT FROM audit_events AS e WHERE e.event_id = r.event_id)
    """,  # noqa: S608 - constants only
)

FIRSTS: Final = f"""
    SELECT e.order_id, e.id, e.type, r.topic, r.partition, r.first
    FROM (SELECT event_id, topic, partition, min("offset") AS first FROM audit_records AS r
        WHERE event_id IS NOT NULL AND topic NOT LIKE '%{DEAD_LETTERS}' GROUP BY event_id, topic, partition) AS r
    JOIN audit_events AS e ON e.event_id = r.event_id AND e.stream <> '{DEAD_LETTERS}'
"""  # noqa: S608 - constants only

TOPIC_ORDER = InvariantCheck(
    name="topics_in_order",
    meaning="In each topic, the events of one order are in the order of their commits.",
    needs="topics",
    checked="SELECT count(DISTINCT order_id) FROM audit_records",
    broken=f"""
        SELECT CAST(order_id AS text) AS subject, type || ' at ' || topic || '[' || partition || ']@' || first
            || ' stands before ' || earlier_type || ' at @' || earlier || ', which was committed earlier' AS reason
        FROM (SELECT *, lag(first) OVER committed AS earlier, lag(type) OVER committed AS earlier_type
            FROM ({FIRSTS}) AS firsts WINDOW committed AS (PARTITION BY order_id, topic, partition ORDER BY id)) AS pair
        WHERE first < earlier
    """,  # noqa: S608 - constants only
)

ONE_PARTITION = InvariantCheck(
    name="one_partition_per_order",
    meaning="All events of an order are in one partition of each topic.",
    needs="topics",
    checked="SELECT count(DISTINCT order_id) FROM audit_records",
    broken=f"""
        SELECT CAST(order_id AS text) AS subject, 'is in partitions '
            || string_agg(DISTINCT CAST(partition AS text), ', ') || ' of ' || topic AS reason
        FROM audit_records WHERE order_id IS NOT NULL AND topic NOT LIKE '%{DEAD_LETTERS}'
        GROUP BY order_id, topic HAVING min(partition) <> max(partition)
    """,  # noqa: S608 - constants only
)

OFFSETS = InvariantCheck(
    name="offsets_behind_work",
    meaning="No consumer group has committed an offset past a record that it neither handled nor queued for retry.",
    needs="topics",
    checked="SELECT count(*) FROM audit_committed",
    broken=f"""
        SELECT r.topic || '[' || r.partition || ']@' || r."offset" AS subject, c.consumer || ' will go on at '
            || c."offset" || ' and has not handled ' || coalesce(r.type, 'this unreadable record')
            || coalesce(' of order ' || r.order_id, '') AS reason
        FROM audit_committed AS c
        JOIN audit_records AS r ON r.topic = c.topic AND r.partition = c.partition AND r."offset" < c."offset"
        LEFT JOIN {SUBSCRIBED} ON s.consumer = c.consumer AND s.type = r.type
        WHERE (s.type IS NOT NULL OR r.type IS NULL) AND {DATED}
            AND NOT EXISTS (SELECT FROM inbox_events AS n WHERE n.consumer = c.consumer AND n.event_id = r.event_id)
            AND NOT EXISTS (SELECT FROM inbox_retries AS w WHERE w.consumer = c.consumer AND w.event_id = r.event_id)
            AND NOT EXISTS (SELECT FROM dead_letters AS l WHERE l.consumer = c.consumer AND l.event_id = r.event_id)
            AND NOT EXISTS (SELECT FROM dead_letters AS l WHERE l.consumer = c.consumer AND l.topic = r.topic
                AND l.partition = r.partition AND l."offset" = r."offset")
    """,  # noqa: S608 - constants only
)

TOPIC_CHECKS: Final = (PUBLISHED, GHOSTS, TOPIC_ORDER, ONE_PARTITION, OFFSETS)
