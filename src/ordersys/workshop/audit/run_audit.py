"""Run the audit. Nothing that is merely under way may look wrong, so the order of looking matters: first the client's
ledger and the topics, then one snapshot of the database. What a client was promised or a topic holds was committed
before; what was archived before the topics were looked at must be in them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ordersys.workshop.audit.ports import AuditDatabase, AuditProgress, Evidence, Promise, Scope, Topics
from ordersys.workshop.audit.verdict import Verdict

BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAudit:
    """`topics` None: they are not looked at."""

    database: AuditDatabase
    topics: Topics | None = None

    async def execute(
        self,
        scope: Scope,
        promises: Iterable[Promise] | None = None,
        progress: AuditProgress = lambda phase, done, of: None,
    ) -> Verdict:
        """`promises` None: there is no ledger. Raises Unavailable."""
        async with self.database.open() as evidence:
            if promises is not None:
                await _promised(evidence, promises, progress)
            if self.topics:
                await _read_topics(evidence, self.topics, progress)
            return await evidence.judge(scope, progress)


async def _read_topics(evidence: Evidence, topics: Topics, progress: AuditProgress) -> None:
    await evidence.before_topics()
    spans = await topics.spans()
    await evidence.take_places(spans, await topics.committed())
    done, total = 0, sum(span.end - span.first for span in spans)
    async for records in topics.records(spans):
        await evidence.take_records(records)
        done += len(records)
        progress("reading topics", done, total)


async def _promised(evidence: Evidence, promises: Iterable[Promise], progress: AuditProgress) -> None:
    done = 0
    await evidence.take_promises(())
    for batch in _batches(promises):
        await evidence.take_promises(batch)
        done += len(batch)
        progress("reading ledger", done, done)


def _batches(promises: Iterable[Promise]) -> Iterator[list[Promise]]:
    rest = iter(promises)
    while batch := list(islice(rest, BATCH)):
        yield batch
