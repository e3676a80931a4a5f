"""The demo payment gateway. The payment method chooses how it behaves (CONTRACT, demo payment methods).

Like a real one it is idempotent by the caller's key, and that is not an assumption: its books are kept outside of this
process, so a second call for an order, from whichever process, meets the first one's decision.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ordersys.domain.payments.payment import Answer, Authorized, Charge, Declined, Unanswered
from ordersys.domain.shared.errors import DomainError

NEVER: Final = None
SLOW_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """`authorizes_at`: the call that succeeds, counted from 1 over all processes (None: never, the charge is declined).

    `answers_at`: the first call whose answer reaches the caller; earlier ones are lost on the way back.
    """

    authorizes_at: int | None = 1
    answers_at: int = 1
    seconds: float = 0.0
    reachable: bool = True


BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "pm_ok": Behaviour(),
    "pm_declined": Behaviour(authorizes_at=NEVER),
    "pm_slow": Behaviour(seconds=SLOW_SECONDS),
    "pm_flaky": Behaviour(authorizes_at=3),
    "pm_lost_answer": Behaviour(answers_at=2),
    "pm_down": Behaviour(reachable=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as the gateway's books take it."""

    charge: Charge
    authorizes_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the books say of a key after a call: `calls` so far, and the one authorization id that the key will ever
    have.
    """

    authorization_id: str
    calls: int


Books = Callable[[Call], Awaitable[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySimulator:
    """Implements usecase.payments.ports.Gateway."""

    books: Books

    async def authorize(self, charge: Charge) -> Answer:
        behaviour = BEHAVIOURS.get(charge.method)
        if behaviour is None:
            return Declined(reason="unknown_payment_method")
        if not behaviour.reachable:
            return Unanswered(error="the gateway refused the connection")
        await asyncio.sleep(behaviour.seconds)
        try:
            entry = await self.books(Call(charge=charge, authorizes_at=behaviour.authorizes_at))
        except DomainError as error:
            return Unanswered(error=f"the gateway failed: {error.code}")
        return await _answer(behaviour, entry)


async def _answer(behaviour: Behaviour, entry: Entry) -> Answer:
    if entry.calls < behaviour.answers_at:
        await asyncio.Event().wait()  # the caller hears nothing and gives up
    if behaviour.authorizes_at is None:
        return Declined(reason="card_declined")
    if entry.calls < behaviour.authorizes_at:
        return Unanswered(error="the gateway answered 503")
    return Authorized(authorization_id=entry.authorization_id)
