from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from ordersys.domain.orders.events import OrderCreated
from ordersys.domain.shared.errors import Contention, Unavailable
from ordersys.domain.shared.ids import EventId
from ordersys.entrypoint.consumers.dispatch import decode
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.crash_loop_guard import CrashLoopGuard
from ordersys.messaging.envelope import Delivery
from ordersys.messaging.inbox import Message
from ordersys.messaging.retry_loop import RetryLoop
from ordersys.messaging.retry_queue import NO_OUTCOME
from tests.fakes.clock import FakeClock
from tests.fakes.making import delivery, event_id, message, order_id
from tests.fakes.messaging import FakeMeter, MessagingTables, ScriptedStream
from tests.fakes.retry_queue import KeptRow
from tests.fakes.unit_of_work import FakeDatabase, FakeTransaction, FakeUnitOfWork

NAME = "order-service"
DELAYS = (1.0, 2.0, 4.0, 8.0)
AWAY = Unavailable("postgres")
BAD = ValueError("cannot")


class Killed(BaseException):
    """The process ends here."""


@dataclass(slots=True, kw_only=True)
class Service:
    """Consumer and retries of one service; `restart` makes them anew, as a new process would have them."""

    stream: ScriptedStream
    clock: FakeClock = field(default_factory=FakeClock)
    unit_of_work: FakeUnitOfWork = field(init=False)
    meter: FakeMeter = field(default_factory=FakeMeter)
    handled: list[EventId] = field(default_factory=list)
    calls: list[tuple[EventId, float]] = field(default_factory=list)
    bad: dict[EventId, BaseException] = field(default_factory=dict)
    ahead: int = 0
    consumer: Consumer[FakeTransaction] = field(init=False)
    retries: RetryLoop[FakeTransaction] = field(init=False)

    def __post_init__(self) -> None:
        self.unit_of_work = FakeUnitOfWork(database=FakeDatabase(messaging=MessagingTables(ticker=self.clock)))
        self.restart()

    def restart(self) -> None:
        subscribed = frozenset({OrderCreated.TYPE})
        self.consumer = Consumer(
            name=NAME,
            stream=self.stream,
            unit_of_work=self.unit_of_work,
            handle=self._handle,
            decode=decode,
            subscribed=subscribed,
            meter=self.meter,
            crash_loop_guard=CrashLoopGuard(limit=self.ahead),
            batch_size=500,
        )
        self.retries = self.another()

    def another(self) -> RetryLoop[FakeTransaction]:
        """The retries of one more process."""
        return RetryLoop(
            name=NAME,
            unit_of_work=self.unit_of_work,
            handle=self._handle,
            decode=decode,
            subscribed=frozenset({OrderCreated.TYPE}),
            meter=self.meter,
            delays=DELAYS,
        )

    async def _handle(self, transaction: FakeTransaction, messages: Sequence[Message]) -> None:
        for one in messages:
            self.calls.append((one.event_id, self.clock()))
            if one.event_id in self.bad:
                raise self.bad[one.event_id]
        transaction.on_commit(self._effect([one.event_id for one in messages]))

    def _effect(self, ids: Sequence[EventId]) -> Callable[[], None]:
        return lambda: self.handled.extend(ids)

    async def receive(self, *deliveries: Delivery) -> None:
        self.stream.batches.append(deliveries)
        await self.consumer.run_once()

    async def retry(self, seconds: float = 0.0) -> None:
        """Whatever is due after so many seconds."""
        self.clock.advance(seconds)
        while await self.retries.run_once():
            continue

    @property
    def kept(self) -> list[tuple[int, int]]:
        """(event number, attempts)"""
        return [(row.event_id.int & 0xFFFF, row.attempts) for row in self.rows]

    @property
    def rows(self) -> list[KeptRow]:
        rows = self.unit_of_work.database.messaging.retries.rows.values()
        return sorted(rows, key=lambda row: row.id)

    @property
    def dead(self) -> list[tuple[int, int]]:
        """(offset, attempts)"""
        letters = self.unit_of_work.database.messaging.letters.rows.values()
        return [(one.delivery.offset, one.letter.attempts) for one in letters]


def service(*bad: int, ahead: int = 0) -> Service:
    made = Service(stream=ScriptedStream(batches=[]), ahead=ahead)
    made.bad = {event_id(number): BAD for number in bad}
    return made


def ids(*numbers: int) -> list[EventId]:
    return [event_id(number) for number in numbers]


async def test_a_failed_event_is_tried_five_times_after_1_2_4_and_8_seconds() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    for _ in range(200):
        await orders.retry(0.125)

    moments = [at for _, at in orders.calls]
    assert moments == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert orders.dead == [(1, 5)]
    assert orders.kept == []


async def test_an_event_that_goes_through_in_the_end_is_handled_once() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    await orders.retry(1)
    orders.bad = {}
    await orders.retry(2)
    await orders.retry(100)

    assert orders.handled == ids(1)
    assert orders.kept == []
    assert orders.dead == []


async def test_each_attempt_is_counted_and_told() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    for seconds in DELAYS:
        await orders.retry(seconds)

    assert orders.meter.retries == [(event_id(1), attempt) for attempt in (1, 2, 3, 4)]
    (letter,) = orders.meter.letters
    assert (letter.event_id, letter.attempts, letter.error) == (event_id(1), 5, "ValueError: cannot")


async def test_the_events_behind_a_failing_one_wait_and_come_in_their_order() -> None:
    orders = service(1)
    await orders.receive(delivery(1), delivery(2), delivery(9, order=2))
    await orders.receive(delivery(3), delivery(8, order=3))
    assert orders.handled == ids(9, 8)
    assert orders.kept == [(1, 1), (2, 0), (3, 0)]
    await orders.retry(0.5)
    orders.bad = {}
    await orders.retry(0.5)

    assert orders.handled == ids(9, 8, 1, 2, 3)


async def test_the_next_event_of_the_order_is_due_at_once_when_the_one_before_it_is_dead() -> None:
    orders = service(1)
    await orders.receive(delivery(1), delivery(2))
    for seconds in DELAYS:
        await orders.retry(seconds)

    assert orders.dead == [(1, 5)]
    assert orders.handled == ids(2)


async def test_a_waiting_event_has_attempts_of_its_own() -> None:
    orders = service(1, 2)
    await orders.receive(delivery(1), delivery(2))
    for seconds in DELAYS:
        await orders.retry(seconds)
    assert orders.kept == [(2, 1)]
    for seconds in DELAYS:
        await orders.retry(seconds)

    assert orders.dead == [(1, 5), (2, 5)]


async def test_a_redelivery_of_a_kept_event_changes_nothing() -> None:
    orders = service(1)
    await orders.receive(delivery(1), delivery(2))
    await orders.receive(delivery(1), delivery(2))
    assert orders.kept == [(1, 1), (2, 0)]
    orders.bad = {}
    await orders.retry(1)
    await orders.receive(delivery(1), delivery(2))

    assert orders.handled == ids(1, 2)
    assert orders.kept == []


async def test_a_redelivery_of_a_dead_letter_has_no_effect() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    for seconds in DELAYS:
        await orders.retry(seconds)
    orders.bad = {}
    again = replace(delivery(1), offset=77)
    await orders.receive(delivery(1), again, delivery(2))

    assert orders.handled == ids(2)
    assert orders.dead == [(1, 5)]


async def test_an_event_that_was_handled_meanwhile_is_not_handled_again() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    async with orders.unit_of_work.begin() as transaction:
        await transaction.inbox.claim(NAME, [message(1)])
    orders.bad = {}
    await orders.retry(1)

    assert orders.handled == []
    assert orders.kept == []


@pytest.mark.parametrize("trouble", [AWAY, Contention("40P01")])
async def test_an_absent_database_spends_no_attempt(trouble: Exception) -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    orders.bad = {}
    orders.clock.advance(1)
    orders.unit_of_work.failures = [None, trouble, trouble, trouble]  # counted; then neither handled nor given back
    for _ in range(3):
        with pytest.raises(type(trouble)):
            await orders.retries.run_once()
    orders.bad = {event_id(1): BAD}
    await orders.retry()

    assert len(orders.calls) == 3
    assert orders.kept == [(1, 2)]


async def test_an_attempt_whose_count_was_not_committed_is_not_given_back() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    orders.clock.advance(1)
    orders.unit_of_work.failures = [AWAY]
    with pytest.raises(Unavailable):
        await orders.retries.run_once()
    await orders.retry()

    assert orders.kept == [(1, 2)]


async def test_an_attempt_is_counted_before_the_handler_runs() -> None:
    orders = service()
    orders.bad = {event_id(1): BAD}
    await orders.receive(delivery(1))
    orders.bad = {event_id(1): Killed()}
    for seconds in DELAYS:
        orders.clock.advance(seconds)
        with pytest.raises(Killed):
            await orders.retries.run_once()
        orders.restart()
    assert orders.kept == [(1, 5)]
    await orders.retry(8)

    assert orders.dead == [(1, 5)]
    (letter,) = orders.meter.letters
    assert letter.error == NO_OUTCOME


async def test_a_killer_spends_nobody_elses_attempts() -> None:
    orders = service(1, 2)
    await orders.receive(delivery(1, order=1), delivery(2, order=2))
    orders.bad = {event_id(1): Killed(), event_id(2): BAD}
    orders.clock.advance(1)
    with pytest.raises(Killed):
        await orders.retries.run_once()

    assert orders.kept == [(1, 2), (2, 1)]


async def test_the_first_batch_of_a_process_is_counted_ahead_and_leaves_nothing_behind() -> None:
    orders = service(ahead=10)
    await orders.receive(delivery(1), delivery(2), delivery(3, order=2))

    assert orders.handled == ids(1, 2, 3)
    assert orders.kept == []


async def test_a_message_that_kills_its_batch_is_dead_after_five_attempts_and_the_others_go_through() -> None:
    orders = service(ahead=10)
    batch = [delivery(number, order=number) for number in (1, 2, 3)]
    orders.bad = {event_id(2): Killed()}
    deaths = 0
    for _ in range(60):
        try:
            await orders.receive(*(batch if deaths < 2 else ()))
            await orders.retry(0.5)
        except Killed:
            deaths += 1
            orders.restart()

    assert deaths == 5
    assert orders.dead == [(2, 5)]
    assert sorted(orders.handled) == ids(1, 3)
    assert orders.kept == []


async def test_a_crash_between_the_count_and_the_handler_leaves_the_message_to_later_attempts() -> None:
    orders = service(ahead=10)
    orders.unit_of_work.failures = [None, Killed()]  # type: ignore[list-item]  # the commit of the batch never comes
    with pytest.raises(Killed):
        await orders.receive(delivery(1), delivery(2))
    orders.restart()
    await orders.receive(delivery(1), delivery(2))
    assert orders.handled == []
    assert orders.kept == [(1, 1), (2, 1)]
    await orders.retry(1)

    assert orders.handled == ids(1, 2)


async def test_a_counted_event_that_fails_has_had_one_attempt() -> None:
    orders = service(2, ahead=10)
    await orders.receive(*(delivery(number, order=number) for number in (1, 2, 3)))

    assert sorted(orders.handled) == ids(1, 3)
    assert orders.kept == [(2, 1)]


async def test_order_is_kept_in_a_counted_batch_that_is_taken_apart() -> None:
    orders = service(2, ahead=10)
    await orders.receive(*map(delivery, (1, 2, 3, 4)))

    assert orders.handled == ids(1)
    assert orders.kept == [(2, 1), (3, 0), (4, 0)]


async def test_what_waits_in_a_counted_batch_keeps_its_place_before_the_later_ones() -> None:
    """The first is handled by a later attempt while its batch is still being taken apart."""
    orders = service(1, ahead=10)
    places: list[list[int]] = []

    async def watch(transaction: FakeTransaction, messages: Sequence[Message]) -> None:
        places.append([number for number, _ in orders.kept])
        await orders._handle(transaction, messages)

    orders.consumer.handle = watch
    await orders.receive(*map(delivery, (1, 2, 3, 4)), delivery(9, order=2))

    assert orders.kept == [(1, 1), (2, 0), (3, 0), (4, 0)]
    assert all(seen == sorted(seen) for seen in places)
    assert places[-1][:4] == [1, 2, 3, 4]


async def test_counting_ahead_ends_after_the_first_messages_of_a_partition() -> None:
    orders = service(ahead=3)
    before = orders.unit_of_work.begun
    await orders.receive(delivery(1, order=1), delivery(2, order=2))
    await orders.receive(delivery(1, order=1), delivery(3, order=3))
    await orders.receive(delivery(4, order=4))

    assert orders.unit_of_work.begun - before == 2 + 2 + 1


async def test_counting_ahead_begins_anew_with_each_assignment() -> None:
    orders = service(ahead=1)
    await orders.receive(delivery(1, order=1))
    before = orders.unit_of_work.begun
    await orders.receive(replace(delivery(2, order=2), assignment=7))

    assert orders.unit_of_work.begun - before == 2


async def test_an_absent_database_takes_back_what_was_counted_ahead() -> None:
    orders = service(ahead=10)
    orders.unit_of_work.failures = [None, AWAY]
    with pytest.raises(Unavailable):
        await orders.receive(delivery(1), delivery(2))
    assert orders.kept == [(1, 1), (2, 1)]
    await orders.consumer.run_once()
    assert orders.kept == [(1, 0), (2, 0)]
    await orders.retry()

    assert orders.handled == ids(1, 2)


async def test_what_two_processes_retry_is_handled_once() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    orders.bad = {}
    orders.clock.advance(1)
    other = orders.another()

    assert [await orders.retries.run_once(), await other.run_once()] == [1, 0]
    assert orders.handled == ids(1)


async def test_an_attempt_that_another_process_has_counted_on_is_left_to_it() -> None:
    orders = service(1)
    await orders.receive(delivery(1))
    orders.clock.advance(1)
    async with orders.unit_of_work.begin() as transaction:
        due = await transaction.retries.claim_next_attempt(NAME, DELAYS)
    assert due
    orders.clock.advance(2)
    orders.bad = {event_id(1): BAD}
    await orders.another().run_once()
    calls = len(orders.calls)
    await orders.retries._attempt(due)

    assert len(orders.calls) == calls
    assert orders.kept == [(1, 3)]


async def test_a_kept_message_that_cannot_be_read_any_more_is_dead_at_once() -> None:
    orders = service()
    async with orders.unit_of_work.begin() as transaction:
        broken = message(1)._replace(delivery=replace(delivery(1), value=b"{"))
        await transaction.retries.enqueue(NAME, [broken])
    await orders.retry()

    assert orders.dead == [(1, 1)]


async def test_a_kept_message_that_nobody_subscribes_to_any_more_is_let_go() -> None:
    orders = service()
    async with orders.unit_of_work.begin() as transaction:
        other = delivery(1, headers={"ce_type": b"ordersys.Other.v1"})
        await transaction.retries.enqueue(NAME, [message(1)._replace(delivery=other)])
    await orders.retry()

    assert orders.kept == []
    assert orders.dead == []


async def test_every_attempt_is_told_to_those_who_watch() -> None:
    told, made = [], service(1)
    await made.receive(delivery(1))
    for delay in DELAYS:
        told.append(made.unit_of_work.told.copy())
        made.unit_of_work.told.clear()
        await made.retry(delay)
    told.append(made.unit_of_work.told.copy())

    assert told == [[order_id(1)], *[[order_id(1)] * 2] * len(DELAYS)]
    assert made.dead == [(1, 5)]
