from uuid import UUID

from ordersys.workshop.audit import run_audit
from ordersys.workshop.audit.ports import Promise, Scope, Seen
from ordersys.workshop.audit.run_audit import RunAudit
from tests.fakes.audit import FakeAuditDatabase, FakeTopics

RECORD = Seen("t", 0, 0, 0, UUID(int=1), UUID(int=2), "x")


async def test_the_topics_are_looked_at_before_the_snapshot_and_after_what_must_be_in_them_is_known() -> None:
    database = FakeAuditDatabase()
    database.go.set()
    topics = FakeTopics(log=database.log, held=[RECORD])

    verdict = await RunAudit(database=database, topics=topics).execute(Scope(grace=7))

    assert database.log == ["open", "before topics", "ends", "offsets", "places", "records", "judge", "close"]
    assert database.records == [RECORD]
    assert (verdict.holds, verdict.grace_seconds) == (True, 7)


async def test_without_topics_nobody_asks_for_them() -> None:
    database = FakeAuditDatabase()
    database.go.set()

    await RunAudit(database=database).execute(Scope())

    assert database.log == ["open", "judge", "close"]


async def test_a_ledger_is_taken_in_batches() -> None:
    database = FakeAuditDatabase()
    database.go.set()
    told: list[tuple[str, int, int]] = []
    count = run_audit.BATCH + 1

    await RunAudit(database=database).execute(
        Scope(), (Promise("ann", str(n), 201, None) for n in range(count)), lambda *news: told.append(news)
    )

    assert len(database.promises) == count
    assert told == [("reading ledger", run_audit.BATCH, run_audit.BATCH), ("reading ledger", count, count)]
