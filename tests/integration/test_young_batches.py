"""A batch by a plan that was made while the tables were empty: its rows are looked up, and not held against each other,
or against all that was ever handled.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ordersys.config import PostgresSettings, Secret
from ordersys.domain.payments.payment import Authorized, PaymentStatus
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.session import opened
from ordersys.infrastructure.postgres.unit_of_work import PostgresTransaction, PostgresUnitOfWork
from ordersys.messaging.topics import ORDER_SERVICE
from ordersys.usecase.payments.ports import Intent, Lease, SettledIntent
from tests.fakes.making import CAUSE, charge, message
from tests.integration.statements import Recorder, explain_kept

BATCH, EARLIER = 200, 2000
NOW = datetime.now(UTC)
LEASE = Lease(owner="me", until=NOW + timedelta(hours=1))
INTENTS = [
    Intent(charge=charge(n), status=PaymentStatus.REQUESTED, cause=CAUSE, attempts=1) for n in range(1, BATCH + 1)
]
SETTLED = [
    SettledIntent(intent=one, answer=Authorized(authorization_id="a"), becomes=PaymentStatus.AUTHORIZED)
    for one in INTENTS
]
DONE = [message(n, order=n) for n in range(EARLIER)]
NEW = [message(n, order=n) for n in range(EARLIER, EARLIER + BATCH)]
COUNTED = [message(n, order=n) for n in range(EARLIER + BATCH, EARLIER + 2 * BATCH)]
ATTEMPTS = {one.event_id: 1 for one in COUNTED}

Ask = Callable[[PostgresTransaction], Awaitable[object]]
BATCHES: Mapping[str, tuple[str, Ask]] = {
    "payments: settle": ("INTO outbox", lambda t: t.payments.settle(SETTLED, at=NOW)),
    "payments: postpone": ("SET last_error", lambda t: t.payments.postpone([(one, "e", NOW) for one in INTENTS])),
    "retries: count ahead": ("INTO inbox_retries", lambda t: t.retries.reserve_first_attempt(ORDER_SERVICE, NEW, 1)),
    "retries: queue": ("INTO inbox_retries", lambda t: t.retries.enqueue(ORDER_SERVICE, NEW)),
    "retries: lock": ("FOR UPDATE", lambda t: t.retries.lock_if_unchanged(ORDER_SERVICE, ATTEMPTS)),
    "retries: take": ("DELETE FROM inbox_retries", lambda t: t.retries.remove_if_unchanged(ORDER_SERVICE, ATTEMPTS)),
    "retries: give back": ("UPDATE inbox_retries", lambda t: t.retries.uncount_attempts(ORDER_SERVICE, ATTEMPTS)),
}


@pytest.fixture
async def recorder(database_url: str) -> AsyncIterator[Recorder]:
    engine = postgres.create(PostgresSettings(url=Secret(database_url)), name="young")
    recorder = Recorder(engine)
    async with engine.begin() as connection:
        for table in ("payments", "inbox_events", "inbox_retries"):
            await connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
    yield recorder
    await engine.dispose()


async def fill(unit_of_work: PostgresUnitOfWork) -> None:
    async with unit_of_work.begin() as transaction:
        await transaction.payments.request(INTENTS, at=NOW)
        await transaction.inbox.claim(ORDER_SERVICE, DONE)
        await transaction.retries.reserve_first_attempt(ORDER_SERVICE, COUNTED, 1)


async def asked(unit_of_work: PostgresUnitOfWork, ask: Ask) -> None:
    async with unit_of_work.begin() as transaction:
        await ask(transaction)


@pytest.mark.parametrize("name", BATCHES)
async def test_the_rows_of_a_batch_are_looked_up_and_not_compared(recorder: Recorder, name: str) -> None:
    part, ask = BATCHES[name]
    unit_of_work = PostgresUnitOfWork(engine=recorder.engine)
    sent = await recorder.catch(asked(unit_of_work, ask), part)

    async with opened(recorder.engine) as session:
        plan = await explain_kept(session.driver, sent, lambda: fill(unit_of_work))

    assert plan.compared <= BATCH
    assert plan.removed <= BATCH
    assert plan.pages <= 40 * BATCH
