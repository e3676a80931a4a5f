"""What the payment use cases need from outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordersys.domain.payments.payment import Answer, Charge, PaymentStatus, Settled
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.envelope import Cause, Outgoing
from ordersys.messaging.unit_of_work import CommitHooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The exclusive right of a process to make a call, until it expires."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A gateway call to make. `status` decides which call (CALLS). `attempts`: the number of attempts, including the
    one under a lease. `lease`: set if a process has claimed the call.
    """

    charge: Charge
    status: PaymentStatus
    cause: Cause
    attempts: int = 0
    lease: Lease | None = None


class IntentDispatcher(Protocol):
    """The dispatcher of this process, for use cases that write intents.

    Within its capacity, new intents are written with its lease, which saves a claim later. The others are due, for the
    first dispatcher that claims them.
    """

    def capacity(self) -> int:
        """Returns the number of calls that it can start now."""
        ...

    def lease(self, at: datetime) -> Lease:
        """Returns a lease of this process that begins at `at`."""
        ...

    def dispatch(self, intents: Sequence[Intent]) -> None:
        """Called after the commit: starts the calls of the leased intents, and wakes the loop to claim the others."""
        ...


class Gateway(Protocol):
    """A payment gateway. Calls are idempotent by the charge's order id. They return Unanswered if the gateway is
    unavailable, and never raise.
    """

    async def authorize(self, charge: Charge) -> Answer: ...

    async def capture(self, charge: Charge) -> Answer: ...

    async def release(self, charge: Charge) -> Answer:
        """Releases or refunds the money. An unknown key can never be authorized afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledIntent:
    """An answered intent. `event`: the event to publish, if any."""

    intent: Intent
    answer: Settled
    becomes: PaymentStatus
    event: Outgoing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a payment that an event demands. A status that needs a gateway call is due immediately. `lease`: as
    in Intent; its call is the first attempt.
    """

    order_id: OrderId
    becomes: PaymentStatus
    cause: Cause
    lease: Lease | None = None


class Payments(Protocol):
    async def request(self, intents: Sequence[Intent], *, at: datetime) -> Sequence[Intent]:
        """Inserts new payments, due immediately if their status needs a call. An order that has a payment keeps it.
        Returns the inserted intents.
        """
        ...

    async def claim(self, limit: int, *, at: datetime, lease: Lease) -> Sequence[Intent]:
        """Leases due intents without a current lease (SKIP LOCKED), and counts the attempt."""
        ...

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        """Ends the leases of an earlier process of this name. Returns their number."""
        ...

    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, PaymentStatus]:
        """Returns the existing payments, locked in id order until the transaction ends."""
        ...

    async def change(self, changes: Sequence[Change], *, at: datetime) -> Sequence[Intent]:
        """Writes the changes. Returns the intents of those that need a gateway call."""
        ...

    async def settle(self, answers: Sequence[SettledIntent], *, at: datetime) -> None:
        """Writes the gateway's answers and their events, for payments that still wait for them; nothing remains due.
        One statement; at most one answer per order and call.
        """
        ...

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        """Writes the error and the time of the next attempt, for payments that still wait for the call. One
        statement.
        """
        ...


class PaymentTransaction(CommitHooks, Protocol):
    @property
    def payments(self) -> Payments: ...
