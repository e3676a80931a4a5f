"""The payment dispatcher: makes the gateway calls of payment intents, many at once, with no transaction open.

Intents that this process writes with a lease are dispatched after the commit. A pass of its loop claims the others:
retries, intents beyond the capacity, and those of other processes. A slow call delays only its own order. If an answer
is not recorded (a crash, an unavailable database, a bug), the call is repeated with the same key after the lease
expires.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import Protocol, assert_never

from ordersys.domain.payments.payment import CALLS, Answer, Call, Unanswered
from ordersys.entrypoint.timers.deadline import Deadline
from ordersys.messaging.handling import is_transient
from ordersys.usecase.payments.ports import Gateway, Intent, Lease
from ordersys.usecase.payments.settle_payments import ClaimPayments, RecordPayment


class PaymentMeter(Protocol):
    def payment_failed(self, intent: Intent, error: Exception) -> None:
        """Reports an attempt that failed unexpectedly; the intent is retried when its lease expires."""
        ...


@dataclass(slots=True, kw_only=True)
class PaymentDispatcher:
    """Implements usecase.payments.ports.IntentDispatcher.

    `timeout`: seconds that the gateway may take. `concurrency`: maximum number of simultaneous calls. `wake`: called
    when there may be intents to claim.
    """

    claim: ClaimPayments
    gateway: Gateway
    record: Callable[[RecordPayment], Awaitable[None]]
    meter: PaymentMeter
    timeout: InitVar[float]
    batch_size: int
    concurrency: int
    wake: Callable[[], None]
    _waiting: deque[Intent] = field(default_factory=deque)
    _calls: set[asyncio.Task[None]] = field(default_factory=set)
    _deadline: Deadline = field(init=False)
    _returning: bool = True

    def __post_init__(self, timeout: float) -> None:
        self._deadline = Deadline(seconds=timeout)

    async def run_once(self) -> int:
        """Claims due intents and starts their calls. Returns the number of claimed intents."""
        if self._returning:
            await self.claim.reclaim()
            self._returning = False
        room = min(self.batch_size, self.capacity())
        intents = await self.claim.execute(room) if room > 0 else ()
        self._start(intents)
        return len(intents)

    def capacity(self) -> int:
        """Returns 0 before the leases of an earlier process of this name have ended: new ones would end with them."""
        return 0 if self._returning else max(0, self.concurrency - len(self._calls) - len(self._waiting))

    def lease(self, at: datetime) -> Lease:
        return self.claim.lease(at)

    def dispatch(self, intents: Sequence[Intent]) -> None:
        leased = [intent for intent in intents if intent.lease]
        self._start(leased)
        if len(leased) < len(intents):
            self.wake()

    async def drained(self) -> None:
        """Returns when no call is in progress."""
        while self._calls:
            await asyncio.wait(self._calls)

    def _start(self, intents: Iterable[Intent]) -> None:
        """Starts the calls; intents beyond the concurrency limit wait for a free slot."""
        self._waiting.extend(intents)
        while self._waiting and len(self._calls) < self.concurrency:
            task = asyncio.create_task(self._settle(self._waiting.popleft()))
            self._calls.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_full = not self.capacity()
        self._calls.discard(task)
        self._start(())
        if was_full:
            self.wake()

    async def _settle(self, intent: Intent) -> None:
        try:
            await self.record(RecordPayment(intent=intent, answer=await self._ask(intent)))
        except Exception as error:  # noqa: BLE001 - the boundary: a bug in one payment must not stop the others
            if not is_transient(error):
                self.meter.payment_failed(intent, error)

    async def _ask(self, intent: Intent) -> Answer:
        try:
            return await self._deadline.keep(self._call(intent))
        except TimeoutError:
            return Unanswered(error=f"the gateway did not answer within {self._deadline.seconds:g} s")

    async def _call(self, intent: Intent) -> Answer:
        match CALLS[intent.status]:
            case Call.AUTHORIZE:
                return await self.gateway.authorize(intent.charge)
            case Call.CAPTURE:
                return await self.gateway.capture(intent.charge)
            case Call.RELEASE:
                return await self.gateway.release(intent.charge)
            case never:
                assert_never(never)
