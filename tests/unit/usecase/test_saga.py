"""The whole choreography in memory: records are dropped, redelivered and handled in any order between the topics; every
order ends all the same, with its money, seats and tickets in agreement.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from ordersys.domain.orders.order import Status
from ordersys.domain.orders.placing import Limits
from ordersys.domain.payments.payment import PaymentStatus
from ordersys.entrypoint.consumers.dispatch import Dispatch, decode
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, streams_of, types_of
from ordersys.entrypoint.timers.payment_dispatcher import PaymentDispatcher
from ordersys.infrastructure.gateways.simulator import Call, Entry, GatewaySimulator
from ordersys.messaging.chaos import PUBLISH_DROP, DroppingPublisher, SeededFaults
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.envelope import Acked, Delivery, Record
from ordersys.messaging.relay import Relay, RelayTuning
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from ordersys.usecase.orders.place_orders import OrderPlaced, PlaceOrder, PlaceOrders
from ordersys.usecase.payments.authorize_payments import ClaimPayments, RecordPayment, RecordPayments
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from tests.fakes.clock import FakeClock, FakeIds
from tests.fakes.making import flight_id, offer, place, want
from tests.fakes.messaging import FakeMeter, FakeOutboxQueue, FakeShardLeases
from tests.fakes.orders import FakeOrderMeter
from tests.fakes.payments import FakeBooks
from tests.fakes.work import FakeTransaction, FakeWork

METHODS = ("pm_ok", "pm_ok", "pm_declined", "pm_flaky")
SEATS = 60


@dataclass(slots=True, kw_only=True)
class Log:
    """One topic of one partition, for one group; sometimes it goes back, as after a rebalance."""

    records: list[Record]
    dice: random.Random
    topic: str
    position: int = 0

    def take(self) -> list[Delivery]:
        if self.dice.random() < 0.2:
            self.position = max(0, self.position - self.dice.randint(1, 5))
        start, self.position = self.position, min(len(self.records), self.position + self.dice.randint(1, 7))
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
class Mixed:
    """A Stream over several logs."""

    logs: Sequence[Log]
    dice: random.Random

    async def fetch(self) -> Sequence[Delivery]:
        return [one for log in self.dice.sample(self.logs, len(self.logs)) for one in log.take()]

    async def commit(self, deliveries: Sequence[Delivery]) -> None: ...

    async def hold(self) -> None: ...

    def owns(self, delivery: Delivery) -> bool:
        return True


class Airport:
    """All roles over one database in memory and topics that are lists."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock, self.work, self.ids, self.meter = FakeClock(), FakeWork(), FakeIds(), FakeMeter()
        self.database, self.books = self.work.database, FakeBooks()
        self.database.orders.flights.rows.update({flight_id(n): offer(n, left=SEATS) for n in (1, 2)})
        self.topics: dict[str, list[Record]] = defaultdict(list)
        self.parts = [
            self.relay().run_once,
            self.dispatcher().run_once,
            *(self.consumer(name).run_once for name in SUBSCRIPTIONS),
        ]

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked]:
        for record in records:
            self.topics[record.topic].append(record)
        return [Acked(partition=0, offset=0) for _ in records]

    def relay(self) -> Relay:
        faults = SeededFaults(rates={PUBLISH_DROP: 0.2}, draw=self.dice.random, count=lambda _: None)
        return Relay(
            queue=FakeOutboxQueue(tables=self.database.messaging, ticker=self.clock),
            leases=FakeShardLeases(tables=self.database.messaging, ticker=self.clock, owner="worker"),
            publisher=DroppingPublisher(publisher=self, faults=faults),
            meter=self.meter,
            ticker=self.clock,
            tuning=RelayTuning(batch_size=20, lease_seconds=5, retry_delays=[0.1], topic_prefix=""),
        )

    def consumer(self, name: str) -> Consumer[FakeTransaction]:
        makers: Mapping[str, Any] = {
            "advance_orders": partial(AdvanceOrders, clock=self.clock, meter=FakeOrderMeter()),
            "request_payments": partial(RequestPayments, clock=self.clock, wake=lambda: None),
            "issue_tickets": partial(IssueTickets, clock=self.clock, ids=self.ids),
        }
        use_cases = {one: lambda joined, make=make: make(work=joined) for one, make in makers.items()}
        logs = [Log(records=self.topics[one], dice=self.dice, topic=one) for one in sorted(streams_of(name))]
        return Consumer(
            name=name,
            stream=Mixed(logs=logs, dice=self.dice),
            work=self.work,
            handle=Dispatch(subscriptions=SUBSCRIPTIONS[name], use_cases=use_cases),
            decode=decode,
            subscribed=types_of(name),
            meter=self.meter,
        )

    def dispatcher(self) -> PaymentDispatcher:
        async def book(call: Call) -> Entry:
            (entry,) = await self.books.record([call])
            return entry

        async def record(command: RecordPayment) -> None:
            recording = RecordPayments(work=self.work, clock=self.clock, ids=self.ids, retry_delays=[0.1])
            # Now and then twice, as when a lease ran out.
            await recording.execute([command] * self.dice.randint(1, 2))

        return PaymentDispatcher(
            claim=ClaimPayments(work=self.work, clock=self.clock, owner="payment", lease_seconds=6),
            gateway=GatewaySimulator(books=book),
            record=record,
            timeout=5,
            batch_size=20,
            concurrency=20,
            wake=lambda: None,
        )

    async def place(self, count: int) -> int:
        """How many of so many orders were placed."""
        shop = PlaceOrders(
            work=self.work,
            clock=self.clock,
            ids=self.ids,
            meter=FakeOrderMeter(),
            limits=Limits(max_items=2, max_seats=9),
            keys_kept=timedelta(hours=1),
        )
        results = await shop.execute([self._order(number) for number in range(count)])
        return sum(isinstance(result, OrderPlaced) for result in results)

    def _order(self, number: int) -> PlaceOrder:
        wanted = [want(n, self.dice.randint(1, 2)) for n in self.dice.sample([1, 2], self.dice.randint(1, 2))]
        return replace(place(*wanted, key=str(number)), payment_method=self.dice.choice(METHODS))

    async def live(self, passes: int) -> None:
        for _ in range(passes):
            await self.dice.choice(self.parts)()
            await asyncio.sleep(0)  # calls to the gateway are tasks
            self.clock.advance(0.05)

    @property
    def statuses(self) -> Counter[Status]:
        return Counter(order.status for order in self.database.orders.orders.rows.values())


@pytest.mark.parametrize("seed", range(10))
async def test_every_order_ends_with_money_seats_and_tickets_in_agreement(seed: int) -> None:
    airport = Airport(seed)
    placed = await airport.place(40)
    await airport.live(800)
    database = airport.database

    assert set(airport.statuses) == {Status.COMPLETED, Status.CANCELLED}
    assert airport.statuses.total() == placed
    for order in database.orders.orders.rows.values():
        paid = database.payments.payments.rows[order.id].status is PaymentStatus.AUTHORIZED
        tickets = [ticket for ticket in database.tickets.tickets.rows.values() if ticket.order_id == order.id]
        assert paid == (order.status is Status.COMPLETED)
        assert len(tickets) == (sum(item.seats for item in order.items) if paid else 0)
    for number in (1, 2):
        sold = [ticket for ticket in database.tickets.tickets.rows.values() if ticket.flight_id == flight_id(number)]
        assert database.orders.flights.rows[flight_id(number)].seats_left == SEATS - len(sold)


@pytest.mark.parametrize("seed", range(3))
async def test_the_faults_have_bitten_and_nothing_was_buried(seed: int) -> None:
    airport = Airport(seed)
    await airport.place(40)
    await airport.live(800)

    assert airport.meter.duplicates > 0
    assert airport.meter.reasons.count(PUBLISH_DROP) > 0
    assert airport.meter.letters == []
    assert not airport.database.messaging.outbox.rows


@pytest.mark.parametrize("seed", range(3))
async def test_each_event_is_published_once_per_order_and_type(seed: int) -> None:
    airport = Airport(seed)
    await airport.place(40)
    await airport.live(800)

    sent = Counter(
        (record.key, dict(record.headers)["ce_type"]) for topic in airport.topics.values() for record in topic
    )
    assert max(sent.values()) == 1
