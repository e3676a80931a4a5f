"""All roles over one database in memory and topics that are lists; a test says what happens next, and in which order.

A call to the gateway is under way until a test lets it arrive, and its answer until a test lets it be heard.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from ordersys.domain.orders.placing import Limits
from ordersys.domain.payments.payment import Answer, Call, Charge
from ordersys.entrypoint.consumers.dispatch import Dispatch, decode
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, streams_of, types_of
from ordersys.entrypoint.timers.payment_dispatcher import PaymentDispatcher
from ordersys.infrastructure.gateways.simulator import GatewayCall, GatewayDecision, GatewaySimulator
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.crash_loop_guard import CrashLoopGuard
from ordersys.messaging.envelope import Acked, Delivery, Record, Refused
from ordersys.messaging.relay import Relay, RelayTuning
from ordersys.messaging.retry_loop import RetryLoop
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from ordersys.usecase.orders.cancel_orders import CancelOrders, ExpireOrders
from ordersys.usecase.orders.place_orders import PlaceOrders
from ordersys.usecase.orders.refund_orders import RefundOrders
from ordersys.usecase.payments.change_payments import ChangePayments
from ordersys.usecase.payments.ports import Intent, Lease
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.usecase.payments.settle_payments import ClaimPayments, RecordPayment, RecordPayments
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTickets
from tests.fakes.airline import ScriptedAirline
from tests.fakes.clock import FakeClock, FakeIds
from tests.fakes.making import flight_id, offer
from tests.fakes.messaging import FakeMeter, FakeOutboxQueue, FakeShardLeases
from tests.fakes.orders import FakeOrderMeter
from tests.fakes.payments import FakeGatewayDecisions
from tests.fakes.unit_of_work import FakeDatabase, FakeTransaction, FakeUnitOfWork

FLIGHTS: Final = (1, 2)
DEADLINE: Final = 60.0
RETRY: Final = 0.1


@dataclass(slots=True, kw_only=True)
class Log:
    """One topic of one partition, as one group reads it."""

    topic: str
    records: Sequence[Record]
    position: int = 0

    @property
    def lag(self) -> int:
        return len(self.records) - self.position

    def rewind(self, count: int) -> None:
        """As after a rebalance: what was read comes again."""
        self.position = max(0, self.position - count)

    def take(self, count: int) -> list[Delivery]:
        start, self.position = self.position, min(len(self.records), self.position + count)
        return [self._delivery(offset) for offset in range(start, self.position)]

    def _delivery(self, offset: int) -> Delivery:
        record = self.records[offset]
        return Delivery(
            topic=self.topic,
            partition=0,
            offset=offset,
            key=record.key,
            value=record.value,
            headers=dict(record.headers),
        )


@dataclass(slots=True, kw_only=True)
class Tray:
    """The Stream of one group; `asked` is how many records of which topics the next batch has, in this order."""

    logs: Mapping[str, Log]
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def fetch(self) -> Sequence[Delivery]:
        asked, self.asked = self.asked, []
        return [one for topic, count in asked for one in self.logs[topic].take(count)]

    async def commit(self, deliveries: Sequence[Delivery]) -> None: ...

    async def hold(self) -> None: ...

    def owns(self, delivery: Delivery) -> bool:
        return True


@dataclass(slots=True, kw_only=True)
class Topics:
    """A broker that loses the next `dropped` records on their way."""

    records: defaultdict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    dropped: int = 0

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        return [self._answer(record) for record in records]

    def _answer(self, record: Record) -> Acked | Refused:
        if self.dropped:
            self.dropped -= 1
            return Refused(reason="dropped")
        self.records[record.topic].append(record)
        return Acked(partition=0, offset=len(self.records[record.topic]) - 1)


@dataclass(slots=True, kw_only=True)
class Line:
    """A Gateway at the other end of a long line: `under_way` are the calls that have not arrived yet."""

    decisions: FakeGatewayDecisions
    under_way: list[tuple[Call, Charge, asyncio.Future[Answer]]] = field(default_factory=list)

    async def authorize(self, charge: Charge) -> Answer:
        return await self._call(Call.AUTHORIZE, charge)

    async def capture(self, charge: Charge) -> Answer:
        return await self._call(Call.CAPTURE, charge)

    async def release(self, charge: Charge) -> Answer:
        return await self._call(Call.RELEASE, charge)

    async def _call(self, question: Call, charge: Charge) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.under_way.append((question, charge, answer))
        return await answer

    async def arrive(self, number: int) -> None:
        question, charge, answer = self.under_way.pop(number)
        gateway = GatewaySimulator(decide=self._book, silent=lambda: False)
        asking = {Call.AUTHORIZE: gateway.authorize, Call.CAPTURE: gateway.capture, Call.RELEASE: gateway.release}
        answer.set_result(await asking[question](charge))

    async def _book(self, call: GatewayCall) -> GatewayDecision:
        (entry,) = await self.decisions.record([call])
        return entry


@dataclass(slots=True, kw_only=True)
class UnreliableDispatcher:
    """a dispatcher that may be `full`, or that dies (`dies`) before it makes the calls."""

    dispatcher: PaymentDispatcher
    full: bool = False
    dies: bool = False

    def capacity(self) -> int:
        return 0 if self.full else self.dispatcher.capacity()

    def lease(self, at: datetime) -> Lease:
        return self.dispatcher.lease(at)

    def dispatch(self, intents: Sequence[Intent]) -> None:
        if not self.dies:
            self.dispatcher.dispatch(intents)


class Airport:
    def __init__(self, *, seats: int = 60) -> None:
        self.clock, self.ids, self.meter = FakeClock(), FakeIds(), FakeMeter()
        messaging = replace(FakeDatabase().messaging, ticker=self.clock)
        self.database = FakeDatabase(messaging=messaging)
        self.unit_of_work, self.decisions, self.airline = (
            FakeUnitOfWork(database=self.database),
            FakeGatewayDecisions(),
            ScriptedAirline(),
        )
        self.database.orders.flights.rows.update({flight_id(n): offer(n, left=seats) for n in FLIGHTS})
        self.database.orders.capacities.update({flight_id(n): seats for n in FLIGHTS})
        self.topics, self.line = Topics(), Line(decisions=self.decisions)
        self.answers: list[RecordPayment] = []
        self.relay = self._relay()
        self.dispatcher = self._dispatcher()
        self.intent_dispatcher = UnreliableDispatcher(dispatcher=self.dispatcher)
        self.trays = {name: self._tray(name) for name in SUBSCRIPTIONS}
        self.consumers = {name: self._consumer(name) for name in SUBSCRIPTIONS}
        self.retries = {name: self._retries(name) for name in SUBSCRIPTIONS}
        changing: Any = {
            "unit_of_work": self.unit_of_work,
            "clock": self.clock,
            "ids": self.ids,
            "meter": FakeOrderMeter(),
        }
        limits = Limits(max_items=2, max_seats=9)
        self.shop = PlaceOrders(**changing, limits=limits, keys_kept=timedelta(hours=1))
        self.cancel, self.refund = CancelOrders(**changing), RefundOrders(**changing)
        self.expire = ExpireOrders(**changing, deadline=timedelta(seconds=DEADLINE))

    async def deliver(self, consumer: str, *asked: tuple[str, int]) -> None:
        """One batch of so many records of these topics."""
        self.trays[consumer].asked = list(asked)
        await self.consumers[consumer].run_once()
        await self._pause()

    async def call(self) -> None:
        """The dispatcher claims what is due and calls the gateway."""
        await self.dispatcher.run_once()
        await self._pause()

    async def arrive(self, number: int) -> None:
        """A call reaches the gateway, and its answer the dispatcher."""
        await self.line.arrive(number)
        await self._pause()

    async def hear(self, *numbers: int) -> None:
        """These answers are recorded together; they may be heard again later."""
        recording = RecordPayments(unit_of_work=self.unit_of_work, clock=self.clock, ids=self.ids, retry_delays=[RETRY])
        await recording.execute([self.answers[number] for number in numbers])

    async def rest(self) -> None:
        """Everything goes on without a fault until nothing moves any more."""
        self.topics.dropped = 0
        self.intent_dispatcher.full = self.intent_dispatcher.dies = False
        before: object = None
        while self._position() != before or self._waits():
            before = self._position()
            await self.go_on()

    async def go_on(self, stalled: frozenset[str] = frozenset()) -> None:
        """One round of everything but what is stalled: a consumer, the worker, the calls to the gateway, its
        answers.
        """
        if "worker" not in stalled:
            await self.relay.run_once()
        for name in (one for one in self.trays if one not in stalled):
            await self.deliver(name, *((topic, log.lag) for topic, log in self.trays[name].logs.items()))
            await self.retries[name].run_once()
            await self._pause()
        await self._pay(stalled)
        self.clock.advance(RETRY)

    async def _pay(self, stalled: frozenset[str]) -> None:
        await self.call()
        while self.line.under_way and "calls" not in stalled:
            # The last one first: a call that was made earlier may come later.
            await self.arrive(-1)
        if "answers" not in stalled:
            await self.hear(*range(len(self.answers)))
            self.answers.clear()

    def _position(self) -> object:
        return (
            [len(records) for records in self.topics.records.values()],
            [log.position for tray in self.trays.values() for log in tray.logs.values()],
            {key: row.status for key, row in self.database.payments.payments.rows.items()},
        )

    def _waits(self) -> bool:
        """Whether something goes on by itself as time passes; what the gateway never answers ends by a deadline."""
        payments = self.database.payments.payments.rows.values()
        asking = [row for row in payments if row.next_at and row.intent.charge.method != "pm_down"]
        return bool(asking or self.database.messaging.outbox.rows or self.database.messaging.retries.rows)

    async def _pause(self) -> None:
        """Lets the tasks of the dispatcher go as far as they can."""
        for _ in range(4):
            await asyncio.sleep(0)

    async def _keep(self, command: RecordPayment) -> None:
        self.answers.append(command)

    def _tray(self, name: str) -> Tray:
        return Tray(logs={one: Log(topic=one, records=self.topics.records[one]) for one in sorted(streams_of(name))})

    def _relay(self) -> Relay:
        return Relay(
            queue=FakeOutboxQueue(tables=self.database.messaging, ticker=self.clock),
            leases=FakeShardLeases(tables=self.database.messaging, ticker=self.clock, owner="worker"),
            publisher=self.topics,
            meter=self.meter,
            ticker=self.clock,
            tuning=RelayTuning(batch_size=20, lease_seconds=5, retry_delays=[RETRY], topic_prefix=""),
        )

    def _handler(self, name: str) -> Dispatch[FakeTransaction]:
        makers: Mapping[Any, Any] = {
            AdvanceOrders: partial(AdvanceOrders, clock=self.clock, meter=FakeOrderMeter()),
            RequestPayments: partial(RequestPayments, clock=self.clock, dispatcher=self.intent_dispatcher),
            ChangePayments: partial(ChangePayments, clock=self.clock, dispatcher=self.intent_dispatcher),
            IssueTickets: partial(IssueTickets, clock=self.clock, ids=self.ids, airline=self.airline),
            VoidTickets: partial(VoidTickets, clock=self.clock, ids=self.ids),
        }
        use_cases = {one: lambda joined, make=make: make(unit_of_work=joined) for one, make in makers.items()}
        return Dispatch(subscriptions=SUBSCRIPTIONS[name], use_cases=use_cases)

    def _consumer(self, name: str) -> Consumer[FakeTransaction]:
        return Consumer(
            name=name,
            stream=self.trays[name],
            unit_of_work=self.unit_of_work,
            handle=self._handler(name),
            decode=decode,
            subscribed=types_of(name),
            meter=self.meter,
            crash_loop_guard=CrashLoopGuard(limit=0),
            batch_size=500,
        )

    def _retries(self, name: str) -> RetryLoop[FakeTransaction]:
        return RetryLoop(
            name=name,
            unit_of_work=self.unit_of_work,
            handle=self._handler(name),
            decode=decode,
            subscribed=types_of(name),
            meter=self.meter,
            delays=[1, 2, 4, 8],
        )

    def _dispatcher(self) -> PaymentDispatcher:
        return PaymentDispatcher(
            claim=ClaimPayments(unit_of_work=self.unit_of_work, clock=self.clock, owner="payment", lease_seconds=6),
            gateway=self.line,
            record=self._keep,
            meter=self.meter,
            timeout=3600,
            batch_size=50,
            concurrency=10_000,
            wake=self._nobody,
        )

    def _nobody(self) -> None: ...
