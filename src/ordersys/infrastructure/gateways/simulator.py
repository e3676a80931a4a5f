"""The demo payment gateway. The payment method chooses how it behaves (docs/reference/http.md).

Like a real one it is idempotent by the caller's key, and that is not an assumption: its books are kept outside of this
process, so a second call for an order, from whichever process, meets the first one's decision.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ordersys.domain.payments.payment import Answer, Authorized, Charge, Declined, Done, Unanswered
from ordersys.domain.payments.payment import Call as Question
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
class GatewayCall:
    """A call as the gateway's books take it. `authorizes_at`: see Behaviour."""

    question: Question
    charge: Charge
    authorizes_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDecision:
    """What the books say of a key after a call: its status, its one authorization id, the calls to authorize so far."""

    status: str
    authorization_id: str
    calls: int


DecideOnce = Callable[[GatewayCall], Awaitable[GatewayDecision]]
Strikes = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySimulator:
    """Implements usecase.payments.ports.Gateway. `silent`: whether the answer to this call gets lost."""

    decide: DecideOnce
    silent: Strikes

    async def authorize(self, charge: Charge) -> Answer:
        behaviour = BEHAVIOURS.get(charge.method)
        if behaviour is None:
            return Declined(reason="unknown_payment_method")
        if not behaviour.reachable:
            return Unanswered(error="the gateway refused the connection")
        if behaviour.seconds:
            await asyncio.sleep(behaviour.seconds)
        call = GatewayCall(question=Question.AUTHORIZE, charge=charge, authorizes_at=behaviour.authorizes_at)
        entry = await self._decided(call)
        return await _authorized(behaviour, entry) if isinstance(entry, GatewayDecision) else entry

    async def capture(self, charge: Charge) -> Answer:
        entry = await self._decided(GatewayCall(question=Question.CAPTURE, charge=charge))
        if isinstance(entry, Unanswered):
            return entry
        return Done() if entry.status == "CAPTURED" else Unanswered(error=f"the charge is {entry.status}")

    async def release(self, charge: Charge) -> Answer:
        entry = await self._decided(GatewayCall(question=Question.RELEASE, charge=charge))
        return entry if isinstance(entry, Unanswered) else Done()

    async def _decided(self, call: GatewayCall) -> GatewayDecision | Unanswered:
        try:
            entry = await self.decide(call)
        except DomainError as error:
            return Unanswered(error=f"the gateway failed: {error.code}")
        if self.silent():
            await _nothing()
        return entry


async def _authorized(behaviour: Behaviour, entry: GatewayDecision) -> Answer:
    if entry.calls < behaviour.answers_at:
        await _nothing()
    if entry.status == "AUTHORIZED":
        return Authorized(authorization_id=entry.authorization_id)
    if entry.status == "FAILED":
        return Unanswered(error="the gateway answered 503")
    return Declined(reason="card_declined" if entry.status == "DECLINED" else f"charge_{entry.status.lower()}")


async def _nothing() -> None:
    """The caller hears nothing and gives up."""
    await asyncio.Event().wait()
