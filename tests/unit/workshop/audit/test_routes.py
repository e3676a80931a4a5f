import asyncio

import pytest

from ordersys.workshop.audit.ports import Scope
from ordersys.workshop.audit.routes import AuditRunning, AuditTooLong, ExclusiveAudit
from ordersys.workshop.audit.run_audit import RunAudit
from tests.fakes.audit import FakeAuditDatabase


def audit_of(database: FakeAuditDatabase, seconds: float = 30) -> ExclusiveAudit:
    return ExclusiveAudit(audit=RunAudit(database=database), scope=Scope(), seconds=seconds)


async def test_one_audit_runs_at_a_time() -> None:
    database = FakeAuditDatabase()
    one = audit_of(database)
    first = asyncio.create_task(one.verdict())
    await database.began.wait()

    with pytest.raises(AuditRunning):
        await one.verdict()

    database.go.set()
    assert (await first).holds
    assert (await one.verdict()).holds


async def test_an_audit_that_takes_too_long_is_given_up_and_the_next_may_run() -> None:
    database = FakeAuditDatabase()
    one = audit_of(database, seconds=0.01)

    with pytest.raises(AuditTooLong):
        await one.verdict()

    database.go.set()
    assert (await one.verdict()).holds
    assert database.log.count("close") == 2
