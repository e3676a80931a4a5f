"""What the payment use cases need from outside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordersys.domain.payments.payment import Answer, Authorized, Charge, Declined
from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.envelope import Cause
from ordersys.messaging.outbox import Outbox
from ordersys.messaging.work import AfterCommit


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A charge that must be asked of the gateway. `attempts` counts the calls, this one included once it is claimed."""

    charge: Charge
    cause: Cause
    attempts: int = 0


class Gateway(Protocol):
    async def authorize(self, charge: Charge) -> Answer:
        """Asks outside, idempotent by the charge's order id. Never raises for an absent gateway: Unanswered."""
        ...


class Payments(Protocol):
    async def request(self, intents: Sequence[Intent], *, at: datetime) -> None:
        """Writes the intents, due at once. An order that has a payment keeps it."""
        ...

    async def claim(self, limit: int, *, at: datetime, until: datetime, owner: str) -> Sequence[Intent]:
        """Leases due intents that nobody else holds (SKIP LOCKED) and counts the attempt."""
        ...

    async def reclaim(self, owner: str, *, at: datetime) -> int:
        """Makes due at once what an earlier process of this name had leased."""
        ...

    async def open(self, order_ids: Iterable[OrderId]) -> set[OrderId]:
        """Those that still wait for the gateway's answer, locked in id order."""
        ...

    async def settle(self, answers: Sequence[tuple[Intent, Authorized | Declined]], *, at: datetime) -> None:
        """Writes final answers: Authorized or Declined."""
        ...

    async def postpone(self, unanswered: Sequence[tuple[Intent, str, datetime]]) -> None:
        """Writes the error and when to ask again."""
        ...


class PaymentTransaction(AfterCommit, Protocol):
    @property
    def payments(self) -> Payments: ...
    @property
    def outbox(self) -> Outbox: ...
