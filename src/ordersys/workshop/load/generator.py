"""Sends the planned orders, then follows the accepted ones to their end."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, repeat
from random import Random
from time import time
from typing import BinaryIO, Final

import msgspec

from ordersys.workshop.load.client import Api, HttpApi, OrderPayload, PlacementResponse, Unreachable, open_session
from ordersys.workshop.load.flights import FlightPool, NoFlights, find
from ordersys.workshop.load.ledger import Ledger
from ordersys.workshop.load.plan import Plan, PlannedOrder
from ordersys.workshop.load.report import LoadReport, OrderOutcome, report

FINAL: Final = frozenset({"COMPLETED", "CANCELLED", "REFUNDED"})
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
FOLLOW_PAUSES: Final = (0.05, 0.1, 0.2, 0.5)
IN_USE: Final = "idempotency_key_in_use"


@dataclass(slots=True, kw_only=True)
class Generator:
    """`progress` is told (phase, done, of) now and then; `wall` tells the time of day for the ledger.

    Once `stopping` is set nothing more is sent; what was sent is waited for as ever.
    """

    plan: Plan
    api: Api
    flights: FlightPool
    ledger: Ledger
    progress: Callable[[str, int, int], None] = lambda phase, done, of: None
    wall: Callable[[], float] = time
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _outcomes: list[OrderOutcome] = field(default_factory=list)

    @property
    def tally(self) -> tuple[int, int]:
        """Orders that were accepted, and those that were not."""
        accepted = sum(1 for outcome in self._outcomes if outcome.order_id)
        return accepted, len(self._outcomes) - accepted

    async def run(self, *, follow: bool) -> LoadReport:
        start = _now()
        async with asyncio.TaskGroup() as sending:
            for order in self.plan.orders():
                await asyncio.sleep(max(0, start + order.due - _now()))
                if self.stopping.is_set():
                    break
                sending.create_task(self._send(order, start + order.due))
        seconds = _now() - start
        return report(self._outcomes, seconds, await self._follow() if follow else None)

    async def _send(self, order: PlannedOrder, due: float) -> None:
        late, sent_at = _now() - due, self.wall()
        try:
            flight = self.flights.take()
        except NoFlights:
            self._keep(OrderOutcome(customer=order.customer, attempts=0, late=late, seconds=0, refused="no_seats_left"))
            return
        body = _body(flight, order.method)
        answer, attempts = await self._place(order, body)
        if answer.code == "sold_out":
            self.flights.sold_out(flight)
        outcome = OrderOutcome(
            customer=order.customer,
            attempts=attempts,
            late=late,
            seconds=_now() - due,
            order_id=answer.order_id,
            refused="" if answer.order_id or _again(answer) else answer.code,
            failed=answer.code if _again(answer) else "",
        )
        self._keep(outcome)
        self.ledger.write(order, body, outcome, status=answer.status, sent_at=sent_at, replied_at=self.wall())

    def _keep(self, outcome: OrderOutcome) -> None:
        self._outcomes.append(outcome)
        self.progress("sending", len(self._outcomes), self.plan.count)

    async def _place(self, order: PlannedOrder, body: bytes) -> tuple[PlacementResponse, int]:
        """Tries again under the same key while the answer leaves open what became of the order."""
        give_up, pause, attempts = _now() + self.plan.retry_for, FIRST_PAUSE, 0
        chance = Random(order.number)
        while True:
            attempts += 1
            answer = await self._attempt(order, body)
            wait = max(pause * chance.uniform(0.5, 1), min(answer.retry_after, LONGEST_PAUSE))
            if not _again(answer) or _now() + wait > give_up:
                return answer, attempts
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _attempt(self, order: PlannedOrder, body: bytes) -> PlacementResponse:
        try:
            return await self.api.place(order.customer, order.key, body)
        except Unreachable:
            return PlacementResponse(status=0, code="unreachable")

    async def _follow(self) -> Mapping[str, OrderPayload]:
        waiting: dict[str, set[str]] = defaultdict(set)
        for outcome in self._outcomes:
            if outcome.order_id:
                waiting[outcome.customer].add(outcome.order_id)
        return await self._until_ended(waiting)

    async def _until_ended(self, waiting: Mapping[str, set[str]]) -> Mapping[str, OrderPayload]:
        ended: dict[str, OrderPayload] = {}
        accepted, give_up = sum(map(len, waiting.values())), _now() + self.plan.follow_for
        pauses = chain(FOLLOW_PAUSES, repeat(FOLLOW_PAUSES[-1]))
        while True:
            for found in await asyncio.gather(*(self._look(customer, ids) for customer, ids in waiting.items() if ids)):
                ended |= found
            self.progress("following", len(ended), accepted)
            if len(ended) == accepted or _now() >= give_up:
                return ended
            await asyncio.sleep(next(pauses))

    async def _look(self, customer: str, waiting: set[str]) -> Mapping[str, OrderPayload]:
        """Takes those that have ended out of `waiting`. An API that is away just now is asked again later."""
        ended: dict[str, OrderPayload] = {}
        missing, cursor = set(waiting), None
        try:
            while missing:
                page = await self.api.orders(customer, cursor)
                mine = {order.id: order for order in page.items if order.id in missing}
                ended |= {order_id: order for order_id, order in mine.items() if order.status in FINAL}
                missing -= mine.keys()
                cursor = page.next_cursor
                if cursor is None:
                    break
        except Unreachable:
            pass
        waiting -= ended.keys()
        return ended


def _now() -> float:
    return asyncio.get_running_loop().time()


def _again(answer: PlacementResponse) -> bool:
    """True while nobody can know whether the order was accepted, or while the system asks for patience."""
    return answer.status in {0, 429} or answer.status >= 500 or answer.code == IN_USE


def _body(flight: str, method: str) -> bytes:
    return msgspec.json.encode({"items": [{"flight_id": flight, "seats": 1}], "payment_method": method})


@asynccontextmanager
async def prepared(
    plan: Plan,
    *,
    api: str,
    token: Callable[[str], str],
    ledger: BinaryIO | None = None,
    progress: Callable[[str, int, int], None] = lambda phase, done, of: None,
) -> AsyncIterator[Generator]:
    """Over HTTP. Raises Unreachable or NoFlights when it cannot even begin."""
    async with open_session(api) as session:
        client = HttpApi(session, token, browser=f"load-{plan.run}")
        flights = await find(client, datetime.now(UTC).date(), flights=plan.flights, seats=plan.count)
        pool = FlightPool(flights, plan.flights)
        yield Generator(plan=plan, api=client, flights=pool, ledger=Ledger(file=ledger), progress=progress)


async def run_load(
    plan: Plan,
    *,
    api: str,
    token: Callable[[str], str],
    ledger: BinaryIO | None,
    progress: Callable[[str, int, int], None],
    follow: bool,
) -> LoadReport:
    """The whole of it. Raises Unreachable or NoFlights when it cannot even begin."""
    async with prepared(plan, api=api, token=token, ledger=ledger, progress=progress) as generator:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, generator.stopping.set)
        return await generator.run(follow=follow)
