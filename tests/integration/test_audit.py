"""A healthy system is found healthy; every planted violation is found, and nothing else."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, types_of
from ordersys.workshop.audit.ports import Promise, Scope
from ordersys.workshop.audit.postgres.database import CHECKS, PostgresAuditDatabase
from ordersys.workshop.audit.run_audit import RunAudit
from ordersys.workshop.audit.verdict import Verdict
from tests.integration.audit_plants import (
    LEDGER_PLANTS,
    NEWCOMER,
    PLANTS,
    STUCK,
    TOPIC_PLANTS,
    UNDER_WAY,
    LedgerPlant,
    Plant,
    TopicPlant,
)
from tests.integration.audit_world import FakeTopics, clone, execute, populate, template
from tests.servers import PostgresServer

STRICT = Scope(grace=0, idle=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """The database to copy, what Kafka holds, and what the clients were promised."""

    name: str
    topics: FakeTopics
    promises: Sequence[Promise]


@pytest.fixture(scope="module")
def healthy(postgres_server: PostgresServer, database_template: str) -> Iterator[Healthy]:
    with template(postgres_server, database_template) as name:
        topics, promises = populate(postgres_server.url(name))
        yield Healthy(name=name, topics=topics, promises=promises)


@pytest.fixture
def url(postgres_server: PostgresServer, healthy: Healthy) -> Iterator[str]:
    with clone(postgres_server, healthy.name) as name:
        yield postgres_server.url(name)


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url)
    yield engine
    await engine.dispose()


async def audited(
    engine: AsyncEngine,
    topics: FakeTopics | None = None,
    promises: Sequence[Promise] | None = None,
    scope: Scope = STRICT,
) -> Verdict:
    subscriptions = {consumer: types_of(consumer) for consumer in SUBSCRIPTIONS}
    database = PostgresAuditDatabase(engine=engine, subscriptions=subscriptions)
    return await RunAudit(database=database, topics=topics).execute(scope, promises)


def broken(verdict: Verdict) -> dict[str, Sequence[str]]:
    return {
        finding.name: [f"{one.subject}: {one.reason}" for one in finding.examples]
        for finding in verdict.findings
        if finding.violations
    }


async def test_a_healthy_system_is_found_healthy(engine: AsyncEngine, healthy: Healthy) -> None:
    verdict = await audited(engine, healthy.topics, healthy.promises)

    assert broken(verdict) == {}
    assert verdict.holds
    assert not verdict.skipped
    assert [finding.name for finding in verdict.findings] == [check.name for check in CHECKS]
    assert verdict.facts["orders"] == 9


async def test_what_there_is_no_evidence_for_is_skipped(engine: AsyncEngine) -> None:
    verdict = await audited(engine)

    assert verdict.holds
    assert set(verdict.skipped) == {check.name for check in CHECKS if check.needs}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.invariant}: {plant.reason}")
async def test_a_planted_violation_is_found_and_nothing_else(engine: AsyncEngine, url: str, plant: Plant) -> None:
    await execute(url, *plant.statements)

    found = broken(await audited(engine))

    assert list(found) == [plant.invariant], found
    assert any(plant.reason in example for example in found[plant.invariant]), found


@pytest.mark.parametrize("plant", TOPIC_PLANTS, ids=lambda plant: plant.invariant)
async def test_a_topic_that_was_tampered_with_is_found_out(
    engine: AsyncEngine, healthy: Healthy, plant: TopicPlant
) -> None:
    found = broken(await audited(engine, plant.tamper(healthy.topics)))

    assert list(found) == [plant.invariant], found
    assert any(plant.reason in example for example in found[plant.invariant]), found


@pytest.mark.parametrize("plant", LEDGER_PLANTS, ids=lambda plant: plant.invariant)
async def test_a_promise_that_was_not_kept_is_found(engine: AsyncEngine, healthy: Healthy, plant: LedgerPlant) -> None:
    found = broken(await audited(engine, promises=plant.tamper(healthy.promises[0])))

    assert list(found) == [plant.invariant], found
    assert any(plant.reason in example for example in found[plant.invariant]), found


@pytest.mark.parametrize(("reason", "statements"), STUCK, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_stuck_order_says_what_it_waits_for(
    engine: AsyncEngine, url: str, reason: str, statements: Sequence[str]
) -> None:
    await execute(url, *statements)

    (stuck,) = broken(await audited(engine))["sagas_end"]

    assert reason in stuck


async def test_an_order_that_nobody_was_told_of_is_found_at_once(engine: AsyncEngine, url: str) -> None:
    await execute(url, *NEWCOMER)

    found = broken(await audited(engine, scope=Scope()))

    assert list(found) == ["order_created"], found
    assert "was placed without OrderCreated" in found["order_created"][0]


@pytest.mark.parametrize("plant", UNDER_WAY, ids=lambda plant: f"{plant.invariant}: {plant.reason}")
async def test_what_may_be_under_way_is_no_violation(engine: AsyncEngine, url: str, plant: Plant) -> None:
    await execute(url, *plant.statements)

    assert broken(await audited(engine, scope=Scope())) == {}


async def test_an_unfinished_order_has_its_deadline_on_top(engine: AsyncEngine, url: str) -> None:
    await execute(
        url,
        *NEWCOMER,
        "UPDATE orders SET created_at = created_at - interval '2 minutes', "
        "updated_at = updated_at - interval '2 minutes' WHERE status = 'CREATED'",
    )

    assert "sagas_end" in broken(await audited(engine, scope=Scope(grace=60)))
    assert "sagas_end" not in broken(await audited(engine, scope=Scope(grace=60, deadline=300)))


async def test_a_transaction_that_stands_still_is_found(engine: AsyncEngine, url: str) -> None:
    idler = create_async_engine(url)
    async with idler.connect() as connection:
        await connection.execute(text("SELECT 1"))
        found = broken(await audited(engine))
    await idler.dispose()

    assert list(found) == ["no_idle_transactions"], found


async def test_dropped_history_is_no_violation(engine: AsyncEngine, url: str) -> None:
    await execute(url, "DELETE FROM outbox_archive WHERE true", "DELETE FROM inbox_events WHERE true")

    assert broken(await audited(engine, scope=replace(STRICT, kept=-3600))) == {}


def test_every_invariant_has_a_violation_planted_against_it() -> None:
    planted = {plant.invariant for plant in (*PLANTS, *TOPIC_PLANTS, *LEDGER_PLANTS)}

    assert planted | {"no_idle_transactions"} == {check.name for check in CHECKS}
