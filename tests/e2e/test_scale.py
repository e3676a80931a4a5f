"""Two workers and two of each consumer at once."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Final

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from tests.e2e.stack import ORDERSYS, Stack
from tests.e2e.verdict import wrong
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.timeout(300)

DOUBLED: Final = ("worker", "consumer", "payment", "ticket")
TOPICS: Final = ("ordersys.orders", "ordersys.payments", "ordersys.tickets")
SHARES: Final = "SELECT owner, count(*) AS shards FROM outbox_shards GROUP BY owner ORDER BY owner"


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(folder=Path(tmp_path_factory.mktemp("doubled")))
    scale = [argument for role in DOUBLED for argument in ("--scale", f"{role}=2")]
    try:
        stack.up(*scale)
        eventually_blocking(lambda: len(stack.query(SHARES)) == 2, within=30, what="both workers have shards")
        command = [*ORDERSYS, "load", "--rate", "100", "--duration", "10", "--json"]
        done = subprocess.run(command, cwd=stack.folder, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["accepted"] == 1000
        eventually_blocking(lambda: not stack.query("SELECT 1 FROM outbox LIMIT 1"), within=30)
        yield stack
    finally:
        stack.down()


def test_the_workers_share_the_outbox_fairly(doubled: Stack) -> None:
    assert [tuple(row) for row in doubled.query(SHARES)] == [("worker", 32), ("worker-2", 32)]


def test_pairs_lose_nothing_and_do_nothing_twice(doubled: Stack) -> None:
    assert wrong(doubled) == {}


def test_every_event_is_published_once_and_each_order_s_events_in_order(doubled: Stack) -> None:
    records = list(_records(doubled.services()["kafka"].address))
    published = Counter(_header(record, "ce_id") for record in records)
    archived = doubled.query(
        'SELECT CAST(event_id AS text) AS event_id, id, topic, "partition", "offset" FROM outbox_archive'
    )
    assert published == Counter(row.event_id for row in archived)
    place = {row.event_id: (row.topic, row.partition, row.offset) for row in archived}
    assert all(place[_header(r, "ce_id")] == (r.topic(), r.partition(), r.offset()) for r in records)
    number = {row.event_id: row.id for row in archived}
    seen: dict[tuple[str | None, bytes | str | None], int] = {}
    for record in records:
        event = number[_header(record, "ce_id")]
        assert seen.get((record.topic(), record.key()), 0) < event
        seen[record.topic(), record.key()] = event


def _header(record: Message, name: str) -> str:
    value = dict(record.headers() or [])[name]
    return value.decode() if isinstance(value, bytes) else str(value)


def _records(bootstrap_servers: str) -> Iterator[Message]:
    """Everything in the topics, partition by partition in the order of the offsets."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "reader", "enable.auto.commit": False})
    try:
        for topic in TOPICS:
            for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
                yield from _partition(consumer, topic, partition)
    finally:
        consumer.close()


def _partition(consumer: Consumer, topic: str, partition: int) -> Iterator[Message]:
    first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    consumer.assign([TopicPartition(topic, partition, first)])
    deadline = monotonic() + 20
    while first < end:
        assert monotonic() < deadline, f"{topic}/{partition} was read up to {first} of {end}"
        for record in consumer.consume(500, timeout=0.2):
            assert record.error() is None
            first = (record.offset() or 0) + 1
            yield record
