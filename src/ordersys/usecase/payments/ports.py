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
class Intent:
    """A call that must be made. `status` says which one (CALLS); `attempts` counts the tries, a claimed one
    included: a new one that has an attempt is claimed by whoever writes it.
    """

    charge: Charge
    status: PaymentStatus
    cause: Cause
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Whose a claimed call is, and until when it is nobody else's."""

    owner: str
    until: datetime


class Handover(Protocol):
    """The dispatcher of this process, for those who write intents.

    As many as it has room for are claimed for it where they are written, which saves a claim of its own; the others
    are due, for whoever comes first.
    """

    def room(self) -> int: ...

    def lease(self, at: datetime) -> Lease: ...

    def take(self, intents: Sequence[Intent]) -> None:
        """Told when they are committed: it makes the calls of those that are claimed, and looks for the others."""
        ...


class Gateway(Protocol):
    """Every call is idempotent by the charge's order id and never raises for an absent gateway: Unanswered."""

    async def authorize(self, charge: Charge) -> Answer: ...

    async def capture(self, charge: Charge) -> Answer: ...

    async def release(self, charge: Charge) -> Answer:
        """Gives back whatever is held. A key that the gateway does not know yet can never be authorized afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledIntent:
    """`event`: what the others are told of it, if anything."""

    intent: Intent
    answer: Settled
    becomes: PaymentStatus
    event: Outgoing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an event asks of a payment. A status that waits for the gateway is due at once. `attempts`: as Intent."""

    order_id: OrderId
    becomes: PaymentStatus
    cause: Cause
    attempts: int = 0


class Payments(Protocol):
    async def request(self, intents: Sequence[Intent], *, at: datetime, lease: Lease) -> Sequence[Intent]:
        """Writes new payments, due at once if their status needs a call; under the lease if they have an attempt.

        An order that has a payment keeps it. Answers those that were written.
        """
        ...

    async def claim(self, limit: int, *, at: datetime, lease: Lease) -> Sequence[Intent]:
        """Leases due intents that nobody else holds (SKIP LOCKED) and counts the attempt."""
        ...

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        """Makes due at once what an earlier process of this name had leased."""
        ...

    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, PaymentStatus]:
        """The payments that exist, locked in id order until the transaction ends."""
        ...

    async def change(self, changes: Sequence[Change], *, at: datetime, lease: Lease) -> Sequence[Intent]:
        """Answers the calls that they need; those that have an attempt are under the lease."""
        ...

    async def settle(self, answers: Sequence[SettledIntent], *, at: datetime) -> None:
        """Writes what the gateway answered, with its event, where the payment still waits for just that; nothing is
        due any more. One statement; at most one answer per order and question.
        """
        ...

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        """Writes the error and when to ask again, where the payment still waits for just that. One statement."""
        ...


class PaymentTransaction(CommitHooks, Protocol):
    @property
    def payments(self) -> Payments: ...
