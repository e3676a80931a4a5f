import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ordersys.domain.payments.payment import Answer, Authorized, Call, Charge, Demand, Done, PaymentStatus, Unanswered
from ordersys.domain.shared.errors import DomainError, Kind, Unavailable
from ordersys.domain.shared.ids import OrderId
from ordersys.entrypoint.timers.payment_dispatcher import PaymentDispatcher
from ordersys.messaging.unit_of_work import JoinedUnitOfWork
from ordersys.usecase.payments.change_payments import ChangePayment, ChangePayments
from ordersys.usecase.payments.ports import IntentDispatcher
from ordersys.usecase.payments.request_payments import RequestPayment, RequestPayments
from ordersys.usecase.payments.settle_payments import ClaimPayments, RecordPayment, RecordPayments
from tests.fakes.clock import FakeClock, FakeIds
from tests.fakes.making import CAUSE, charge, order_id
from tests.fakes.messaging import FakeMeter
from tests.fakes.payments import FakeDispatcher, PaymentRow
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.waiting import eventually

LEASE = 6.0


@dataclass(slots=True, kw_only=True)
class FakeGateway:
    """Answers when it is `open`; orders in `held` wait for `let_go`."""

    held: set[OrderId] = field(default_factory=set)
    asked: list[tuple[Call, OrderId]] = field(default_factory=list)
    calls: Counter[OrderId] = field(default_factory=Counter)
    under_way: int = 0
    most: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def authorize(self, charge: Charge) -> Answer:
        return await self._answer(Call.AUTHORIZE, charge, Authorized(authorization_id=f"auth_{charge.order_id}"))

    async def capture(self, charge: Charge) -> Answer:
        return await self._answer(Call.CAPTURE, charge, Done())

    async def release(self, charge: Charge) -> Answer:
        return await self._answer(Call.RELEASE, charge, Done())

    async def _answer(self, call: Call, charge: Charge, answer: Answer) -> Answer:
        self.asked.append((call, charge.order_id))
        self.calls[charge.order_id] += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await (self.let_go if charge.order_id in self.held else self.open).wait()
        finally:
            self.under_way -= 1
        return answer


@dataclass(slots=True, kw_only=True)
class Cashier:
    """Dispatchers over one database in memory and one gateway."""

    unit_of_work: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    clock: FakeClock = field(default_factory=FakeClock)
    gateway: FakeGateway = field(default_factory=FakeGateway)
    woken: int = 0
    recorded: list[RecordPayment] = field(default_factory=list)
    trouble: Exception | None = None
    troubled: set[int] = field(default_factory=set)
    meter: FakeMeter = field(default_factory=FakeMeter)

    def __post_init__(self) -> None:
        self.gateway.open.set()

    def dispatcher(
        self, name: str = "payment", *, timeout: float = 60, batch: int = 100, concurrency: int = 100
    ) -> PaymentDispatcher:
        return PaymentDispatcher(
            claim=ClaimPayments(unit_of_work=self.unit_of_work, clock=self.clock, owner=name, lease_seconds=LEASE),
            gateway=self.gateway,
            record=self._record,
            meter=self.meter,
            timeout=timeout,
            batch_size=batch,
            concurrency=concurrency,
            wake=self._wake,
        )

    async def request(self, *numbers: int, to: IntentDispatcher | None = None) -> None:
        """`to`: the dispatcher of this process; without it, the intents are due for any."""
        requested = [RequestPayment(charge=charge(number), cause=CAUSE) for number in numbers]
        await RequestPayments(
            unit_of_work=self.unit_of_work, clock=self.clock, dispatcher=to or FakeDispatcher()
        ).execute(requested)

    async def demand(self, demand: Demand, *numbers: int, to: IntentDispatcher | None = None) -> None:
        commands = [ChangePayment(order_id=order_id(number), demand=demand, cause=CAUSE) for number in numbers]
        await ChangePayments(
            unit_of_work=self.unit_of_work, clock=self.clock, dispatcher=to or FakeDispatcher()
        ).execute(commands)

    async def _record(self, command: RecordPayment) -> None:
        self.recorded.append(command)
        order = command.intent.charge.order_id
        if self.trouble and (not self.troubled or order in map(order_id, self.troubled)):
            raise self.trouble
        recording = RecordPayments(unit_of_work=self.unit_of_work, clock=self.clock, ids=FakeIds(), retry_delays=[1.0])
        await recording.execute([command])

    def _wake(self) -> None:
        self.woken += 1

    def payment(self, number: int = 1) -> PaymentRow:
        return self.unit_of_work.database.payments.payments.rows[order_id(number)]

    def settled(self, *numbers: int) -> Callable[[], bool]:
        return lambda: all(self.payment(number).status is PaymentStatus.AUTHORIZED for number in numbers)


@pytest.fixture
async def cashier() -> Cashier:
    return Cashier()


async def test_what_is_due_is_asked_and_recorded(cashier: Cashier) -> None:
    await cashier.request(1, 2)
    dispatcher = cashier.dispatcher()

    assert await dispatcher.run_once() == 2
    await dispatcher.drained()

    assert cashier.settled(1, 2)()
    assert await dispatcher.run_once() == 0


async def test_a_slow_gateway_holds_up_its_own_order_only(cashier: Cashier) -> None:
    cashier.gateway.held = {order_id(1)}
    await cashier.request(1, 2)
    dispatcher = cashier.dispatcher()
    await dispatcher.run_once()
    await cashier.request(3)
    await dispatcher.run_once()

    await eventually(cashier.settled(2, 3))
    assert cashier.payment(1).status is PaymentStatus.REQUESTED
    cashier.gateway.let_go.set()
    await dispatcher.drained()
    assert cashier.settled(1)()


async def test_no_answer_in_time_is_no_answer(cashier: Cashier) -> None:
    cashier.gateway.held = {order_id(1)}
    await cashier.request(1)
    dispatcher = cashier.dispatcher(timeout=0.01)

    await dispatcher.run_once()
    await dispatcher.drained()

    assert [command.answer for command in cashier.recorded] == [
        Unanswered(error="the gateway did not answer within 0.01 s")
    ]
    assert cashier.payment().next_at is not None
    assert cashier.gateway.under_way == 0


async def test_it_asks_again_when_the_time_has_come(cashier: Cashier) -> None:
    cashier.gateway.held = {order_id(1)}
    await cashier.request(1)
    dispatcher = cashier.dispatcher(timeout=0.01)
    await dispatcher.run_once()
    await dispatcher.drained()
    cashier.gateway.held = set()

    assert await dispatcher.run_once() == 0
    cashier.clock.advance(1)
    assert await dispatcher.run_once() == 1
    await dispatcher.drained()

    assert cashier.settled(1)()
    assert cashier.gateway.calls[order_id(1)] == 2


async def test_no_more_calls_than_allowed_are_under_way(cashier: Cashier) -> None:
    await cashier.request(*range(1, 8))
    cashier.gateway.open.clear()
    dispatcher = cashier.dispatcher(concurrency=3)

    assert await dispatcher.run_once() == 3
    assert await dispatcher.run_once() == 0
    await eventually(lambda: cashier.gateway.under_way == 3)
    cashier.gateway.open.set()
    await dispatcher.drained()
    while await dispatcher.run_once():
        await dispatcher.drained()

    assert cashier.gateway.most == 3
    assert cashier.settled(*range(1, 8))()


async def test_room_after_a_full_house_wakes_the_loop(cashier: Cashier) -> None:
    await cashier.request(1, 2)
    dispatcher = cashier.dispatcher(concurrency=1)

    await dispatcher.run_once()
    await dispatcher.drained()

    await eventually(lambda: cashier.woken == 1)


async def test_without_a_full_house_nobody_is_woken(cashier: Cashier) -> None:
    await cashier.request(1, 2)
    dispatcher = cashier.dispatcher()

    await dispatcher.run_once()
    await dispatcher.drained()
    await asyncio.sleep(0)

    assert cashier.woken == 0


async def test_after_a_restart_what_was_under_way_is_asked_again_at_once(cashier: Cashier) -> None:
    cashier.gateway.held = {order_id(1)}
    await cashier.request(1)
    died = cashier.dispatcher()
    await died.run_once()
    await eventually(lambda: cashier.gateway.under_way)
    cashier.gateway.held = set()

    back = cashier.dispatcher()
    assert await back.run_once() == 1
    await eventually(cashier.settled(1))
    cashier.gateway.let_go.set()
    await died.drained()
    assert len(cashier.unit_of_work.database.messaging.outbox.rows) == 1


async def test_another_dispatcher_waits_for_the_lease(cashier: Cashier) -> None:
    cashier.gateway.held = {order_id(1)}
    await cashier.request(1)
    slow = cashier.dispatcher("one")
    await slow.run_once()
    other = cashier.dispatcher("two")

    assert await other.run_once() == 0
    cashier.clock.advance(LEASE + 1)
    assert await other.run_once() == 1
    cashier.gateway.let_go.set()
    await slow.drained()
    await other.drained()


async def test_its_own_claims_are_taken_back_only_once(cashier: Cashier) -> None:
    cashier.gateway.held = {order_id(1)}
    await cashier.request(1)
    dispatcher = cashier.dispatcher()

    await dispatcher.run_once()

    assert await dispatcher.run_once() == 0
    cashier.gateway.let_go.set()
    await dispatcher.drained()


async def test_an_answer_that_cannot_be_recorded_is_asked_for_again_after_the_lease(cashier: Cashier) -> None:
    await cashier.request(1)
    dispatcher = cashier.dispatcher()
    cashier.trouble = Unavailable("postgres")
    await dispatcher.run_once()
    await dispatcher.drained()
    assert cashier.payment().status is PaymentStatus.REQUESTED
    cashier.trouble = None

    cashier.clock.advance(LEASE + 1)
    await dispatcher.run_once()
    await dispatcher.drained()

    assert cashier.settled(1)()
    assert len(cashier.unit_of_work.database.messaging.outbox.rows) == 1


async def test_a_reclaim_that_failed_is_tried_again(cashier: Cashier) -> None:
    await cashier.request(1)
    cashier.unit_of_work.failures = [Unavailable("postgres")]
    dispatcher = cashier.dispatcher()

    with pytest.raises(Unavailable):
        await dispatcher.run_once()

    assert await dispatcher.run_once() == 1
    await dispatcher.drained()


@pytest.mark.parametrize("bug", [DomainError("odd", Kind.CONFLICT), ValueError("odd")])
async def test_a_bug_in_one_payment_stops_neither_the_loop_nor_the_others(cashier: Cashier, bug: Exception) -> None:
    cashier.trouble, cashier.troubled = bug, {1}
    await cashier.request(1, 2)
    dispatcher = cashier.dispatcher()
    await dispatcher.run_once()
    await dispatcher.drained()
    await cashier.request(3)

    assert await dispatcher.run_once() == 1
    await dispatcher.drained()

    assert cashier.settled(2, 3)()
    assert cashier.payment(1).status is PaymentStatus.REQUESTED


async def test_a_bug_is_told_with_each_attempt_one_lease_apart(cashier: Cashier) -> None:
    cashier.trouble = ValueError("odd")
    await cashier.request(1)
    dispatcher = cashier.dispatcher()

    for _ in range(3):
        assert await dispatcher.run_once() == 1
        await dispatcher.drained()
        assert await dispatcher.run_once() == 0
        cashier.clock.advance(LEASE + 1)

    assert cashier.meter.errors == [cashier.trouble] * 3
    cashier.trouble = None
    await dispatcher.run_once()
    await dispatcher.drained()
    assert cashier.settled(1)()


async def test_an_absent_database_is_no_bug(cashier: Cashier) -> None:
    cashier.trouble = Unavailable("postgres")
    await cashier.request(1)
    dispatcher = cashier.dispatcher()

    await dispatcher.run_once()
    await dispatcher.drained()

    assert cashier.meter.errors == []


@pytest.mark.parametrize(
    ("demand", "call", "status"),
    [
        (Demand.CAPTURE, Call.CAPTURE, PaymentStatus.CAPTURED),
        (Demand.CANCEL, Call.RELEASE, PaymentStatus.VOIDED),
        (Demand.REFUND, Call.RELEASE, PaymentStatus.REFUNDED),
    ],
)
async def test_what_is_demanded_of_a_payment_is_asked_of_the_gateway(
    cashier: Cashier, demand: Demand, call: Call, status: PaymentStatus
) -> None:
    await cashier.request(1)
    dispatcher = cashier.dispatcher()
    await dispatcher.run_once()
    await dispatcher.drained()

    await cashier.demand(demand, 1)
    await dispatcher.run_once()
    await dispatcher.drained()

    assert cashier.gateway.asked == [(Call.AUTHORIZE, order_id(1)), (call, order_id(1))]
    assert cashier.payment().status is status


async def back(cashier: Cashier, *, name: str = "payment", concurrency: int = 100) -> PaymentDispatcher:
    """A dispatcher that has made its first pass."""
    dispatcher = cashier.dispatcher(name, concurrency=concurrency)
    await dispatcher.run_once()
    return dispatcher


async def test_what_is_handed_over_is_asked_without_a_claim(cashier: Cashier) -> None:
    dispatcher = await back(cashier)
    begun = cashier.unit_of_work.begun

    await cashier.request(1, 2, to=dispatcher)
    await dispatcher.drained()
    await cashier.demand(Demand.CAPTURE, 1, to=dispatcher)
    await dispatcher.drained()

    assert cashier.payment(1).status is PaymentStatus.CAPTURED
    assert cashier.payment(2).status is PaymentStatus.AUTHORIZED
    assert cashier.payment(1).intent.attempts == cashier.payment(2).intent.attempts == 1
    assert cashier.unit_of_work.begun - begun == 5  # written, two answers, written, one answer
    assert cashier.woken == 0


async def test_what_finds_no_room_is_due_and_looked_for(cashier: Cashier) -> None:
    cashier.gateway.open.clear()
    dispatcher = await back(cashier, concurrency=2)

    await cashier.request(1, 2, 3, to=dispatcher)
    assert cashier.woken == 1
    assert (cashier.payment(3).owner, cashier.payment(3).intent.attempts) == (None, 0)
    assert await dispatcher.run_once() == 0
    await eventually(lambda: cashier.gateway.under_way == 2)
    cashier.gateway.open.set()
    await dispatcher.drained()
    await eventually(lambda: cashier.woken > 1)
    await dispatcher.run_once()
    await dispatcher.drained()

    assert cashier.settled(1, 2, 3)()
    assert cashier.gateway.most == 2


async def test_what_finds_no_room_is_anybodys(cashier: Cashier) -> None:
    cashier.gateway.open.clear()
    full, other = await back(cashier, concurrency=1), await back(cashier, name="other")
    await cashier.request(1, 2, to=full)
    cashier.gateway.open.set()

    assert await other.run_once() == 1
    await full.drained()
    await other.drained()

    assert cashier.settled(1, 2)()
    assert set(cashier.gateway.calls.values()) == {1}


async def test_what_comes_when_the_room_is_taken_meanwhile_waits_for_a_free_call(cashier: Cashier) -> None:
    cashier.gateway.open.clear()
    dispatcher = await back(cashier, concurrency=2)
    transactions = [cashier.unit_of_work.begin() for _ in range(2)]
    for number, transaction in enumerate(transactions, 1):
        requesting = RequestPayments(
            unit_of_work=JoinedUnitOfWork(transaction=await transaction.__aenter__()),
            clock=cashier.clock,
            dispatcher=dispatcher,
        )
        await requesting.execute([RequestPayment(charge=charge(n), cause=CAUSE) for n in (number, number + 2)])

    for transaction in transactions:
        await transaction.__aexit__(None, None, None)
    await eventually(lambda: cashier.gateway.under_way == 2)
    assert dispatcher.capacity() == 0
    cashier.gateway.open.set()
    await dispatcher.drained()

    assert cashier.settled(1, 2, 3, 4)()
    assert cashier.gateway.most == 2
    assert dispatcher.capacity() == 2


async def test_before_its_first_pass_nothing_is_handed_over(cashier: Cashier) -> None:
    dispatcher = cashier.dispatcher()

    await cashier.request(1, to=dispatcher)

    assert cashier.payment().owner is None
    assert cashier.woken == 1
    assert await dispatcher.run_once() == 1
    await dispatcher.drained()


async def test_what_was_handed_over_and_never_asked_is_asked_after_a_restart(cashier: Cashier) -> None:
    died = FakeDispatcher(places=1)
    await cashier.request(1, to=died)
    restarted, other = cashier.dispatcher("payment"), cashier.dispatcher("other")

    assert await other.run_once() == 0
    assert await restarted.run_once() == 1
    await restarted.drained()

    assert cashier.settled(1)()
    assert cashier.payment().intent.attempts == 2


async def test_what_was_handed_over_and_never_asked_is_asked_by_another_after_the_lease(cashier: Cashier) -> None:
    await cashier.request(1, to=FakeDispatcher(places=1))
    other = cashier.dispatcher("other")

    cashier.clock.advance(LEASE + 1)
    assert await other.run_once() == 1
    await other.drained()

    assert cashier.settled(1)()
