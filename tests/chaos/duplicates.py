"""Which records of the topics are repeats, and when they were sent: read once, when all is over."""

from collections.abc import Sequence
from uuid import UUID

from ordersys.bootstrap.messaging import group_lags
from ordersys.config import KafkaSettings
from ordersys.workshop.audit.topic_scan import TopicScan


async def repeats(bootstrap_servers: str) -> Sequence[float]:
    """The time of each record whose event is in its topic already, in seconds since 1970, in order."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap_servers)
    lags = group_lags(kafka)
    scan = TopicScan(kafka, lags)
    seen: set[tuple[str, UUID | None]] = set()
    found: list[float] = []
    try:
        async for records in scan.records(await scan.spans()):
            for record in records:
                event = record.topic, record.event_id
                if event in seen:
                    found.append(record.milliseconds / 1000)
                seen.add(event)
    finally:
        await lags.close()
    return sorted(found)
