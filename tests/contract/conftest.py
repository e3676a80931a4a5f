"""The database as the use cases see it, in memory and in PostgreSQL: one suite per port runs on both."""

import time
from collections.abc import AsyncIterator, Sequence, Sized
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import PostgresSettings, Secret
from ordersys.domain.orders.placing import Offer
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres import tables
from ordersys.infrastructure.postgres.dead_letter_reads import PostgresDeadLetterReads
from ordersys.infrastructure.postgres.gateway_decisions import GatewayDecisions
from ordersys.infrastructure.postgres.order_reads import PostgresOrderReads
from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
from ordersys.infrastructure.postgres.shard_leases import PostgresShardLeases
from ordersys.infrastructure.postgres.unit_of_work import PostgresAutocommit, PostgresUnitOfWork
from ordersys.messaging.outbox import ShardLeases
from tests.contract.world import World
from tests.fakes.dead_letter_reads import FakeDeadLetterReads
from tests.fakes.messaging import FakeOutboxQueue, FakeShardLeases
from tests.fakes.order_reads import FakeOrderReads
from tests.fakes.payments import FakeGatewayDecisions
from tests.fakes.unit_of_work import FakeUnitOfWork

SEATS = 100


@pytest.fixture
async def fake_world() -> World:
    unit_of_work = FakeUnitOfWork()
    database, decisions = unit_of_work.database, FakeGatewayDecisions()
    known: dict[str, Sized] = {
        "orders": database.orders.orders.rows,
        "idempotency_keys": database.orders.answers.rows,
        "tickets": database.tickets.tickets.rows,
        "gateway_charges": decisions.entries,
        "outbox": database.messaging.outbox.rows,
        "outbox_attempts": database.messaging.attempts,
        "outbox_archive": database.messaging.archive,
        "inbox_events": database.messaging.inbox.rows,
        "inbox_retries": database.messaging.retries.rows,
        "dead_letters": database.messaging.letters.rows,
    }

    async def put(offers: Sequence[Offer]) -> None:
        database.orders.flights.rows.update({offer.flight_id: offer for offer in offers})
        database.orders.capacities.update({offer.flight_id: max(SEATS, offer.seats_left) for offer in offers})

    async def count(table: str) -> int:
        return len(known[table])

    def leases(owner: str, seconds: float) -> ShardLeases:
        return FakeShardLeases(tables=database.messaging, ticker=time.monotonic, owner=owner, lease_seconds=seconds)

    return World(
        unit_of_work=unit_of_work,
        autocommit=unit_of_work,
        reads=FakeOrderReads(database=database),
        letters=FakeDeadLetterReads(database=database),
        queue=FakeOutboxQueue(tables=database.messaging, ticker=time.monotonic),
        leases=leases,
        decisions=decisions.record,
        put=put,
        count=count,
    )


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = postgres.create(
        PostgresSettings(url=Secret(database_url), pool_size=16, idle_transaction_seconds=60), name="contract"
    )
    yield made
    await made.dispose()


@pytest.fixture
async def real_world(engine: AsyncEngine) -> World:
    async def put(offers: Sequence[Offer]) -> None:
        async with engine.begin() as connection:
            await connection.execute(insert(tables.flights), [_flight(offer) for offer in offers])

    async def count(table: str) -> int:
        async with engine.connect() as connection:
            statement = select(func.count()).select_from(tables.metadata.tables[table])
            return (await connection.execute(statement)).scalar_one()

    def leases(owner: str, seconds: float) -> ShardLeases:
        return PostgresShardLeases(engine=engine, owner=owner, lease_seconds=seconds)

    return World(
        unit_of_work=PostgresUnitOfWork(engine=engine),
        autocommit=PostgresAutocommit(engine=engine),
        reads=PostgresOrderReads(engine=engine),
        letters=PostgresDeadLetterReads(engine=engine),
        queue=PostgresOutboxQueue(engine=engine),
        leases=leases,
        decisions=GatewayDecisions(engine=engine).record,
        put=put,
        count=count,
    )


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


def _flight(offer: Offer) -> dict[str, object]:
    return {
        "id": offer.flight_id,
        "airline": "Aeroflot",
        "number": f"SU{offer.flight_id.int % 10_000}",
        "origin": "SVO",
        "destination": "LED",
        "departs_at": offer.departs_at,
        "arrives_at": offer.departs_at + timedelta(hours=1),
        "price_amount": offer.price.amount,
        "currency": offer.price.currency,
        "seats_total": max(SEATS, offer.seats_left),
        "seats_taken": max(SEATS, offer.seats_left) - offer.seats_left,
    }
