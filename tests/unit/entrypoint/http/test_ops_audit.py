import asyncio

import pytest

from ordersys.entrypoint.http.ops_audit import AuditDesk, AuditRunning, AuditTooLong
from ordersys.usecase.audit.ports import Scope
from ordersys.usecase.audit.run_audit import RunAudit
from tests.fakes.audit import FakeBooks


def desk(books: FakeBooks, seconds: float = 30) -> AuditDesk:
    return AuditDesk(audit=RunAudit(books=books), scope=Scope(), seconds=seconds)


async def test_one_audit_runs_at_a_time() -> None:
    books = FakeBooks()
    one = desk(books)
    first = asyncio.create_task(one.verdict())
    await books.began.wait()

    with pytest.raises(AuditRunning):
        await one.verdict()

    books.go.set()
    assert (await first).holds
    assert (await one.verdict()).holds


async def test_an_audit_that_takes_too_long_is_given_up_and_the_next_may_run() -> None:
    books = FakeBooks()
    one = desk(books, seconds=0.01)

    with pytest.raises(AuditTooLong):
        await one.verdict()

    books.go.set()
    assert (await one.verdict()).holds
    assert books.log.count("close") == 2
