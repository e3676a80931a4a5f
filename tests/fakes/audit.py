"""An audit that takes as long as the test wants."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ordersys.workshop.audit.ports import AuditProgress, Committed, Promise, Scope, Seen, Span
from ordersys.workshop.audit.verdict import Verdict, verdict
from tests.fakes.clock import NOON


@dataclass(slots=True, kw_only=True)
class FakeAuditDatabase:
    """workshop.audit.ports.Books and its Evidence: `log` is what was asked of it; judging waits for `go`."""

    log: list[str] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    records: list[Seen] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeAuditDatabase"]:
        self.log.append("open")
        try:
            yield self
        finally:
            self.log.append("close")

    async def take_promises(self, promises: Sequence[Promise]) -> None:
        self.promises += promises

    async def before_topics(self) -> None:
        self.log.append("before topics")

    async def take_places(self, spans: Sequence[Span], committed: Sequence[Committed]) -> None:
        self.log.append("places")

    async def take_records(self, records: Sequence[Seen]) -> None:
        self.log.append("records")
        self.records += records

    async def judge(self, scope: Scope, progress: AuditProgress) -> Verdict:
        self.log.append("judge")
        self.began.set()
        await self.go.wait()
        return verdict((), {}, at=NOON, grace_seconds=scope.grace)


@dataclass(slots=True, kw_only=True)
class FakeTopics:
    """workshop.audit.ports.Topics; tells the log of the books when it is looked at."""

    log: list[str]
    held: Sequence[Seen] = ()

    async def spans(self) -> Sequence[Span]:
        self.log.append("ends")
        return [Span("t", 0, 0, len(self.held))]

    async def committed(self) -> Sequence[Committed]:
        self.log.append("offsets")
        return ()

    async def records(self, spans: Sequence[Span]) -> AsyncIterator[Sequence[Seen]]:
        yield self.held
