"""What is done with is pruned behind its window: in batches, in nobody's way, by any number of workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.infrastructure.postgres import tables
from ordersys.infrastructure.postgres.partitions import drop_days, ensure_days
from ordersys.infrastructure.postgres.retention import _LOCK, SWEEPS, Retention
from tests.fakes.clock import FakeClock
from tests.integration.test_partitions import archive, noon, rows_by_partition

DAY = timedelta(days=1)
SECONDS = 10
_numbers = count(1)


class Today:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url)
    yield engine
    await engine.dispose()


def retention(engine: AsyncEngine, **changes: Any) -> Retention:
    """Everything is kept for ten days."""
    kept = dict.fromkeys(SWEEPS, 10 * DAY)
    return Retention(engine=engine, clock=changes.pop("clock", Today()), kept=kept, **changes)


def ago(days: float) -> datetime:
    return Today().now() - days * DAY


async def put(engine: AsyncEngine, table: str, *rows: dict[str, object]) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(tables.metadata.tables[table]), list(rows))


async def total(engine: AsyncEngine, table: str) -> int:
    counted = select(func.count()).select_from(tables.metadata.tables[table])
    async with engine.connect() as connection:
        return (await connection.execute(counted)).scalar_one()


async def prune(one: Retention) -> int:
    """Within a bound: nothing may make it wait for long."""
    async with asyncio.timeout(SECONDS):
        return await one.run_once()


def handled(days: float, **changes: object) -> dict[str, object]:
    row = {
        "consumer": "order-service",
        "event_id": uuid4(),
        "type": "t",
        "order_id": uuid4(),
        "processed_at": ago(days),
    }
    return row | changes


def answered(days: float) -> dict[str, object]:
    key = f"k{next(_numbers)}"
    row = {"customer_id": "ann", "route": "POST /orders", "key": key, "fingerprint": b"f", "outcome": "{}"}
    return row | {"created_at": ago(days)}


def received(**changes: object) -> dict[str, object]:
    number = next(_numbers)
    row = {"consumer": "order-service", "topic": "ordersys.orders", "partition": 0, "offset": number, "headers": {}}
    return row | {"attempts": 5, "error": "no", "created_at": ago(30)} | changes


def letter(**changes: object) -> dict[str, object]:
    return received(**{"id": uuid4(), "status": "NEW", "resolved_at": None, "resolved_by": None, **changes})


def retry(event_id: UUID, **changes: object) -> dict[str, object]:
    waiting = {"event_id": event_id, "order_id": uuid4(), "type": "t", "next_attempt_at": ago(30)}
    return received(**waiting, **changes)


async def test_the_inbox_is_pruned_only_behind_its_window(engine: AsyncEngine) -> None:
    await put(engine, "inbox_events", handled(9.99), handled(10.01), handled(300), handled(0))

    assert await prune(retention(engine)) == 2

    async with engine.connect() as connection:
        oldest = (await connection.execute(text("SELECT min(processed_at) FROM inbox_events"))).scalar_one()
    assert oldest > ago(10)


async def test_idempotency_keys_are_pruned_behind_their_window(engine: AsyncEngine) -> None:
    await put(engine, "idempotency_keys", answered(9.99), answered(10.01))

    assert await prune(retention(engine)) == 1


async def test_dead_letters_go_when_they_were_resolved_long_ago_and_never_before(engine: AsyncEngine) -> None:
    open_letter, fresh = letter(), letter(status="REPLAYED", resolved_at=ago(9), resolved_by="olga")
    stale = letter(status="DISCARDED", resolved_at=ago(11), resolved_by="olga")
    await put(engine, "dead_letters", open_letter, fresh, stale)

    assert await prune(retention(engine)) == 1

    async with engine.connect() as connection:
        left = set((await connection.execute(text("SELECT id FROM dead_letters"))).scalars())
    assert left == {open_letter["id"], fresh["id"]}


async def test_a_retry_goes_when_its_event_was_handled_and_stays_while_it_was_not(engine: AsyncEngine) -> None:
    done, waiting, young = uuid4(), uuid4(), uuid4()
    await put(engine, "inbox_events", handled(0, event_id=done), handled(0, event_id=young))
    await put(engine, "inbox_events", handled(0, event_id=waiting, consumer="payment-service"))
    await put(engine, "inbox_retries", retry(done), retry(waiting), retry(young, created_at=ago(9)))

    assert await prune(retention(engine)) == 1

    async with engine.connect() as connection:
        left = set((await connection.execute(text("SELECT event_id FROM inbox_retries"))).scalars())
    assert left == {waiting, young}


async def test_the_archive_loses_whole_days_and_the_strays_of_default(engine: AsyncEngine) -> None:
    """Noon of 1 December 2026 less ten days is noon of 21 November: the 20th is over, the 21st is not."""
    clock = FakeClock()
    today = clock.now().date()
    async with engine.connect() as connection:
        await ensure_days(connection, today - 12 * DAY, 12)
    await archive(engine, *(noon(today - days * DAY) for days in (12, 11, 10, 9)), ago(400))

    dropped = await prune(retention(engine, clock=clock))

    left = await rows_by_partition(engine)
    assert [name for name in left if name < "outbox_archive_20261121"] == []
    assert left["outbox_archive_20261121"] == left["outbox_archive_20261122"] == 1
    assert "outbox_archive_default" not in left
    assert dropped >= 3


async def test_a_pass_is_bounded_and_the_next_one_goes_on(engine: AsyncEngine) -> None:
    await put(engine, "inbox_events", *(handled(20) for _ in range(7)))
    small = retention(engine, batch_rows=2, batches=2)

    assert [await prune(small) for _ in range(3)] == [4, 3, 0]


async def test_a_row_that_somebody_holds_is_left_and_blocks_nobody(engine: AsyncEngine) -> None:
    await put(engine, "inbox_events", *(handled(20) for _ in range(5)))
    async with engine.begin() as holder:
        await holder.execute(text("SELECT FROM inbox_events LIMIT 2 FOR UPDATE"))
        assert await prune(retention(engine)) == 3

    assert await prune(retention(engine)) == 2


async def test_a_locked_table_is_given_up_soon_and_the_others_are_swept(engine: AsyncEngine) -> None:
    await put(engine, "inbox_events", handled(20))
    await put(engine, "idempotency_keys", answered(20))
    async with engine.begin() as holder:
        await holder.execute(text("LOCK TABLE inbox_events IN ACCESS EXCLUSIVE MODE"))
        assert await prune(retention(engine)) == 1

    assert await prune(retention(engine)) == 1


async def test_while_another_worker_sweeps_this_one_leaves_it_to_it(engine: AsyncEngine) -> None:
    await put(engine, "inbox_events", handled(20))
    async with engine.begin() as other:
        await other.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        assert await prune(retention(engine)) == 0

    assert await prune(retention(engine)) == 1


async def test_many_workers_prune_each_row_once(engine: AsyncEngine) -> None:
    await put(engine, "inbox_events", *(handled(20) for _ in range(60)))
    workers = [retention(engine, batch_rows=5) for _ in range(4)]

    pruned = 0
    async with asyncio.timeout(SECONDS):
        while await total(engine, "inbox_events"):
            pruned += sum(await asyncio.gather(*(worker.run_once() for worker in workers)))

    assert pruned == 60


async def dropped_days(engine: AsyncEngine) -> Sequence[Any]:
    async with asyncio.timeout(SECONDS), engine.connect() as connection:
        return await drop_days(connection, datetime(2031, 5, 2, tzinfo=UTC).date())


async def test_a_day_that_is_being_read_is_left_and_who_writes_meanwhile_does_not_wait_long(
    engine: AsyncEngine,
) -> None:
    day = datetime(2031, 5, 1, tzinfo=UTC).date()
    async with engine.connect() as connection:
        await ensure_days(connection, day, 1)
    began = asyncio.get_running_loop().time()
    async with engine.begin() as reader:
        await reader.execute(text("SELECT count(*) FROM outbox_archive"))
        dropping = asyncio.create_task(dropped_days(engine))
        await asyncio.wait_for(archive(engine, noon(day + DAY)), 2)
        assert await dropping == []
    assert asyncio.get_running_loop().time() - began < 2

    assert day in await dropped_days(engine)
