"""Poison messages among healthy ones, on real servers and with the real delays: 1, 2, 4 and 8 seconds."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from ordersys.config import RetriesSettings
from tests.integration.retry_world import World, issued, ordersys, settings_of, until, world_of
from tests.servers import KafkaServer
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)

POISON = 30
HEALTHY_WITHIN = 1.0
FATES = (
    "SELECT count(*) AS letters, min(attempts) AS least, max(attempts) AS most FROM dead_letters WHERE status = 'NEW'"
)
LATENESS = "SELECT event_id, processed_at FROM inbox_events"


@pytest.fixture
async def world(database_url: str, kafka_server: KafkaServer) -> AsyncIterator[World]:
    kafka_server.start()
    real = RetriesSettings()
    async with world_of(settings_of(database_url, kafka_server.bootstrap_servers, retries=real)) as made:
        yield made


async def _healthy(world: World, sent: dict[UUID, datetime], stop: asyncio.Event) -> None:
    """A few events every now and then for as long as the poison is being tried."""
    while not stop.is_set():
        orders = await world.orders(5)
        at = datetime.now(UTC)
        sent.update(dict.fromkeys(await world.send(*map(issued, orders)), at))
        try:
            await asyncio.wait_for(stop.wait(), 0.1)
        except TimeoutError:
            continue


async def _all_dead(world: World) -> bool:
    return bool(await world.scalar("SELECT count(*) >= :n FROM dead_letters", n=POISON))


async def _slowest(world: World, sent: dict[UUID, datetime]) -> float:
    done = {row.event_id: row.processed_at for row in await world.rows(LATENESS)}
    return max(float((done[event_id] - at).total_seconds()) for event_id, at in sent.items())


async def _assert_topic_records_are_whole(world: World) -> None:
    letters = {
        str(row.event_id): row for row in await world.rows('SELECT event_id, key, value, "offset" FROM dead_letters')
    }
    original = {one.offset: one for one in await world.read("tickets", POISON)}
    for record in await world.read("dlq", POISON):
        letter = letters.pop(record.headers["ce_id"].decode())
        first = original[letter.offset]
        assert (record.key, record.value) == (first.key, first.value)
        assert first.headers.items() <= record.headers.items()
        assert record.headers["dlq_consumer"] == b"order-service"
        assert record.headers["dlq_error"].startswith(b"ValueError: poison ")
        assert record.headers["dlq_attempts"] == b"5"
        assert record.headers["dlq_topic"].decode() == first.topic
        assert record.headers["dlq_partition"] == b"0"
        assert record.headers["dlq_offset"].decode() == str(first.offset)
    assert letters == {}


async def _replayed(world: World) -> dict[str, Any]:
    code, output = await ordersys(world.settings, "dlq", "replay", "--all", "--rate", "200", "--by", "olga", "--json")
    assert code == 0, output
    return dict(json.loads(output))


async def test_thirty_poison_messages_hold_nobody_up_and_can_be_replayed(world: World) -> None:
    bad = await world.orders(POISON)
    world.poison = set(bad)
    sent: dict[UUID, datetime] = {}
    stop = asyncio.Event()
    # Thirty stack traces, drawn for a terminal, would take longer than all attempts.
    with capture_logs():
        await _go(world, bad, sent, stop)


async def _go(world: World, bad: list[UUID], sent: dict[UUID, datetime], stop: asyncio.Event) -> None:
    async with world.consuming() as stream, world.relaying():
        await eventually(lambda: stream.partitions == 2, within=20)
        assigned = dict(stream._owned._owned)
        began = datetime.now(UTC)
        await world.send(*map(issued, bad))
        trickle = asyncio.create_task(_healthy(world, sent, stop))
        try:
            await until(lambda: _all_dead(world), within=40)
        finally:
            stop.set()
            await trickle
        await until(lambda: _all_handled(world, sent))

        assert stream.partitions == 2
        assert all(stream._owned._owned[key] is progress for key, progress in assigned.items()), "rebalanced"
        (fate,) = await world.rows(FATES)
        assert tuple(fate) == (POISON, 5, 5)
        first = await world.scalar("SELECT min(created_at) FROM dead_letters")
        assert (first - began).total_seconds() >= 15
        slowest = await _slowest(world, sent)
        assert slowest < HEALTHY_WITHIN
        await _assert_topic_records_are_whole(world)

        await _assert_replays(world, bad)


async def _all_handled(world: World, sent: dict[UUID, datetime]) -> bool:
    return bool(
        await world.scalar("SELECT count(*) FROM inbox_events WHERE event_id = ANY(:ids)", ids=list(sent)) == len(sent)
    )


async def _assert_replays(world: World, bad: list[UUID]) -> None:
    """With the cause gone they finish their orders; a second replay changes nothing."""
    world.poison = set()
    calls = len(world.calls)
    report = await _replayed(world)
    assert (report["replayed"], report["handled"], report["waves"], report["stopped"]) == (POISON, POISON, 3, "")
    finished = "SELECT count(*) FROM orders WHERE id = ANY(:ids) AND status = 'COMPLETED'"
    assert await world.scalar(finished, ids=bad) == POISON
    assert await world.scalar("SELECT count(*) FROM inbox_retries") == 0
    done = await world.rows(
        "SELECT status, resolved_by, resolved_at IS NOT NULL AS at FROM dead_letters GROUP BY 1, 2, 3"
    )
    assert [tuple(row) for row in done] == [("REPLAYED", "olga", True)]

    before = await world.rows("SELECT * FROM order_status_history ORDER BY id")
    letter = await world.scalar("SELECT id FROM dead_letters LIMIT 1")
    assert (await _replayed(world))["letters"] == 0
    code, output = await ordersys(world.settings, "dlq", "replay", str(letter))
    assert (code, output) == (0, f"{letter} was replayed before\n")
    assert await world.rows("SELECT * FROM order_status_history ORDER BY id") == before
    assert len(world.calls) == calls + POISON
