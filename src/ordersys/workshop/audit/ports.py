"""What the audit needs from outside."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from ordersys.workshop.audit.verdict import Verdict

AuditProgress = Callable[[str, int, int], None]
"""Is told (phase, done, of) now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """All in seconds. Work younger than `grace` may be under way, an unfinished order for `deadline` more.

    `kept`: how far back archive, inbox and topics are complete (None: nothing was ever dropped). `keys_kept`: the
    same for idempotency keys. `idle`: how long a transaction may stand still. `attempts`: how often a message is tried
    before it is a dead letter.
    """

    grace: float = 60
    deadline: float = 0
    kept: float | None = None
    keys_kept: float = 86_400
    idle: float = 10
    attempts: int = 5
    examples: int = 5


class Promise(NamedTuple):
    """What a client was told of an order it had sent: a line of its ledger."""

    owner: str
    key: str
    status: int
    order_id: UUID | None


class Seen(NamedTuple):
    """A record of a topic; a tuple, because there are millions. None: not to be read from its headers."""

    topic: str
    partition: int
    offset: int
    milliseconds: int
    event_id: UUID | None
    order_id: UUID | None
    type: str | None


class Span(NamedTuple):
    """A partition from its first offset to the one that its next record will get."""

    topic: str
    partition: int
    first: int
    end: int


class Committed(NamedTuple):
    """Where a consumer group will go on after a restart."""

    consumer: str
    topic: str
    partition: int
    offset: int


class Topics(Protocol):
    """Raises Unavailable when the brokers cannot be reached or fall silent."""

    async def spans(self) -> Sequence[Span]: ...

    async def committed(self) -> Sequence[Committed]: ...

    def records(self, spans: Sequence[Span]) -> AsyncIterator[Sequence[Seen]]:
        """All records in the spans, in batches."""
        ...


class Evidence(Protocol):
    """What is gathered for one audit. It lives on the database's side, so that millions of rows need no memory here."""

    async def take_promises(self, promises: Sequence[Promise]) -> None: ...

    async def before_topics(self) -> None:
        """What is archived at this moment must be in the topics that are read from now on."""
        ...

    async def take_places(self, spans: Sequence[Span], committed: Sequence[Committed]) -> None: ...

    async def take_records(self, records: Sequence[Seen]) -> None: ...

    async def judge(self, scope: Scope, progress: AuditProgress) -> Verdict:
        """Holds every invariant for which evidence was taken against one snapshot of the database."""
        ...


class AuditDatabase(Protocol):
    def open(self) -> AbstractAsyncContextManager[Evidence]:
        """Raises Unavailable."""
        ...
