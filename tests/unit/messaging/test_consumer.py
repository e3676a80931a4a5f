import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from ordersys.domain.orders.events import OrderCreated
from ordersys.domain.shared.errors import Contention, DomainError, Kind, Unavailable
from ordersys.domain.shared.ids import EventId
from ordersys.entrypoint.consumers.dispatch import decode
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.crash_loop_guard import CrashLoopGuard
from ordersys.messaging.envelope import Delivery
from ordersys.messaging.inbox import Message
from tests.fakes.making import delivery, event_id, order_id
from tests.fakes.messaging import FakeMeter, ScriptedStream
from tests.fakes.unit_of_work import FakeTransaction, FakeUnitOfWork

NAME = "order-service"
AWAY = Unavailable("postgres")


@dataclass(slots=True, kw_only=True)
class Service:
    """A consumer of these batches. `handled` are the events whose effects were committed; `bad` ones always fail."""

    stream: ScriptedStream
    unit_of_work: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    meter: FakeMeter = field(default_factory=FakeMeter)
    handled: list[EventId] = field(default_factory=list)
    calls: list[list[EventId]] = field(default_factory=list)
    bad: dict[EventId, Exception] = field(default_factory=dict)
    consumer: Consumer[FakeTransaction] = field(init=False)

    def __post_init__(self) -> None:
        self.consumer = Consumer(
            name=NAME,
            stream=self.stream,
            unit_of_work=self.unit_of_work,
            handle=self._handle,
            decode=decode,
            subscribed=frozenset({OrderCreated.TYPE}),
            meter=self.meter,
            crash_loop_guard=CrashLoopGuard(limit=0),
            batch_size=500,
        )

    async def _handle(self, transaction: FakeTransaction, messages: Sequence[Message]) -> None:
        ids = [message.event_id for message in messages]
        self.calls.append(ids)
        await asyncio.sleep(0)  # a database lets the others have their turn
        assert all((NAME, one) in transaction.changes.rows(self.unit_of_work.database.messaging.inbox) for one in ids)
        for one in ids:
            if one in self.bad:
                raise self.bad[one]
        transaction.on_commit(self._effect(ids))

    def _effect(self, ids: Sequence[EventId]) -> Callable[[], None]:
        def effect() -> None:
            self.stream.log.append("commit")
            self.handled.extend(ids)

        return effect

    @property
    def inbox(self) -> set[EventId]:
        return {one for _, one in self.unit_of_work.database.messaging.inbox.rows}

    @property
    def dead(self) -> list[int]:
        """The offsets of what went to the dead letters."""
        return [letter.delivery.offset for letter in self.unit_of_work.database.messaging.letters.rows.values()]

    @property
    def kept(self) -> list[tuple[int, int]]:
        """(offset, attempts) of what waits for another attempt."""
        rows = self.unit_of_work.database.messaging.retries.rows.values()
        return [(row.delivery.offset, row.attempts) for row in sorted(rows, key=lambda row: row.id)]


def service(*batches: Sequence[Delivery]) -> Service:
    return Service(stream=ScriptedStream(batches=list(batches)))


def ids(*numbers: int) -> list[EventId]:
    return [event_id(number) for number in numbers]


async def test_a_batch_is_handled_in_one_transaction_and_in_its_order() -> None:
    orders = service([delivery(2), delivery(1), delivery(3)])

    assert await orders.consumer.run_once() == 3

    assert orders.calls == [ids(2, 1, 3)]
    assert orders.unit_of_work.begun == 1
    assert orders.inbox == set(ids(1, 2, 3))


async def test_offsets_move_only_after_the_commit() -> None:
    orders = service([delivery(1)])

    await orders.consumer.run_once()

    assert orders.stream.log == ["fetch", "commit", "offsets"]


async def test_behind_a_full_batch_the_next_one_is_fetched_while_it_is_handled() -> None:
    orders = service([delivery(1), delivery(2)], [delivery(3)])
    orders.consumer.batch_size = 2

    assert [await orders.consumer.run_once() for _ in range(3)] == [2, 1, 0]

    assert orders.stream.log == ["fetch", "fetch", "commit", "offsets", "commit", "offsets", "fetch"]
    assert orders.calls == [ids(1, 2), ids(3)]


async def test_batches_of_one_are_fetched_one_after_the_other() -> None:
    orders = service([delivery(1)], [delivery(2)])
    orders.consumer.batch_size = 1

    await orders.consumer.run_once()

    assert orders.stream.log == ["fetch", "commit", "offsets"]


async def test_of_a_batch_that_was_fetched_ahead_only_what_is_still_ours_is_handled() -> None:
    orders = service([delivery(1), delivery(2)], [delivery(3, partition=1), delivery(4)])
    orders.consumer.batch_size = 2
    await orders.consumer.run_once()

    orders.stream.lost = {1}
    await orders.consumer.run_once()

    assert orders.handled == ids(1, 2, 4)
    assert [one.offset for one in orders.stream.committed] == [1, 2, 4]


async def test_a_batch_that_was_fetched_ahead_waits_for_the_one_before_it() -> None:
    orders = service([delivery(1), delivery(2)], [delivery(3)])
    orders.consumer.batch_size = 2
    orders.unit_of_work.failures = [AWAY]
    with pytest.raises(Unavailable):
        await orders.consumer.run_once()

    assert [await orders.consumer.run_once() for _ in range(2)] == [2, 1]

    assert orders.handled == ids(1, 2, 3)
    assert orders.stream.log.count("fetch") == 2


async def test_an_empty_fetch_touches_neither_database_nor_offsets() -> None:
    orders = service()

    assert await orders.consumer.run_once() == 0

    assert orders.unit_of_work.begun == 0
    assert orders.stream.log == ["fetch"]


async def test_a_redelivered_event_has_no_second_effect() -> None:
    orders = service([delivery(1), delivery(2)], [delivery(2), delivery(3)])

    await orders.consumer.run_once()
    await orders.consumer.run_once()

    assert orders.handled == ids(1, 2, 3)
    assert orders.meter.duplicates == 1


async def test_a_redelivered_event_is_no_failure() -> None:
    orders = service([delivery(1)], [delivery(1)])

    await orders.consumer.run_once()
    await orders.consumer.run_once()

    assert orders.calls == [ids(1)]
    assert orders.dead == []
    assert [one.offset for one in orders.stream.committed] == [1, 1]


async def test_an_event_twice_in_one_batch_is_handled_once() -> None:
    orders = service([delivery(1), delivery(2), delivery(1)])

    await orders.consumer.run_once()

    assert orders.calls == [ids(1, 2)]
    assert orders.meter.duplicates == 1
    assert orders.meter.handled == ids(1, 2)


async def test_a_bad_event_is_put_aside_and_the_rest_is_handled() -> None:
    orders = service([delivery(number, order=number) for number in (1, 2, 3)])
    orders.bad = {event_id(2): ValueError("cannot")}

    assert await orders.consumer.run_once() == 3

    assert orders.handled == ids(1, 3)
    assert orders.kept == [(2, 1)]
    assert orders.dead == []
    assert len(orders.stream.committed) == 3


async def test_a_bad_event_leaves_no_mark_in_the_inbox() -> None:
    orders = service([delivery(1), delivery(2)])
    orders.bad = {event_id(2): ValueError("cannot")}

    await orders.consumer.run_once()

    assert orders.inbox == set(ids(1))


async def test_what_is_put_aside_says_what_failed_and_why() -> None:
    orders = service([delivery(1, order=4)])
    orders.bad = {event_id(1): DomainError("odd", Kind.CONFLICT, "it cannot be")}

    await orders.consumer.run_once()

    (row,) = orders.unit_of_work.database.messaging.retries.rows.values()
    assert (row.event_id, row.order_id, row.type) == (event_id(1), order_id(4), OrderCreated.TYPE)
    assert row.error == "DomainError: it cannot be"
    assert orders.meter.retries == [(event_id(1), 1)]


async def test_an_effect_is_not_counted_before_its_commit() -> None:
    orders = service([delivery(1)])
    orders.unit_of_work.failures = [AWAY]

    with pytest.raises(Unavailable):
        await orders.consumer.run_once()

    assert orders.meter.handled == []


@pytest.mark.parametrize(
    "broken",
    [
        delivery(2, headers={"ce_id": b"?"}),
        delivery(2, headers={"ce_type": b"\xff\xfe"}),
        Delivery(topic="test.orders", partition=0, offset=2, key=None, value=None, headers={}),
        Delivery(topic="test.orders", partition=0, offset=2, key=b"", value=b"\x80\x00", headers=delivery(2).headers),
        Delivery(topic="test.orders", partition=0, offset=2, key=b"", value=None, headers=delivery(2).headers),
    ],
    ids=["id", "type", "nothing", "bytes", "null"],
)
async def test_what_cannot_be_read_goes_to_the_dead_letters_at_once(broken: Delivery) -> None:
    orders = service([delivery(1), broken, delivery(3)])

    await orders.consumer.run_once()

    assert orders.handled == ids(1, 3)
    assert orders.dead == [2]
    (letter,) = orders.meter.letters
    assert letter.error.startswith("Unreadable: ")
    assert (letter.event_id, letter.order_id) == (None, None)


async def test_types_that_nobody_subscribed_to_are_passed_over() -> None:
    orders = service([delivery(1, headers={"ce_type": b"ordersys.Other.v1"}), delivery(2)])

    await orders.consumer.run_once()

    assert orders.handled == ids(2)
    assert orders.dead == []
    assert [one.offset for one in orders.stream.committed] == [1, 2]


async def test_a_batch_of_nothing_to_handle_moves_the_offsets_all_the_same() -> None:
    orders = service([delivery(1, headers={"ce_type": b"ordersys.Other.v1"})])

    assert await orders.consumer.run_once() == 1

    assert orders.unit_of_work.begun == 0
    assert len(orders.stream.committed) == 1


@pytest.mark.parametrize("trouble", [AWAY, Contention("40P01")])
async def test_a_batch_is_kept_while_the_database_is_away(trouble: DomainError) -> None:
    orders = service([delivery(1), delivery(2)], [delivery(3)])
    orders.unit_of_work.failures = [trouble, trouble]

    for _ in range(2):
        with pytest.raises(type(trouble)):
            await orders.consumer.run_once()
    assert orders.stream.log == ["fetch", "hold", "hold"]
    assert orders.dead == []

    await orders.consumer.run_once()
    await orders.consumer.run_once()

    assert orders.handled == ids(1, 2, 3)
    assert [one.offset for one in orders.stream.committed] == [1, 2, 3]


async def test_what_was_taken_away_meanwhile_is_left_to_its_new_owner() -> None:
    orders = service([delivery(1, partition=0), delivery(2, partition=1)])
    orders.unit_of_work.failures = [AWAY]
    with pytest.raises(Unavailable):
        await orders.consumer.run_once()
    orders.stream.lost = {1}
    orders.unit_of_work.failures = [AWAY]
    with pytest.raises(Unavailable):
        await orders.consumer.run_once()

    await orders.consumer.run_once()

    assert orders.handled == ids(1)
    assert [one.offset for one in orders.stream.committed] == [1]


async def test_a_database_that_goes_away_while_a_bad_batch_is_taken_apart_loses_nothing() -> None:
    orders = service([delivery(number, order=number) for number in (1, 2, 3)])
    orders.bad = {event_id(2): ValueError("cannot")}
    orders.unit_of_work.failures = [None, AWAY]  # 1 alone is committed, then putting 2 aside fails

    with pytest.raises(Unavailable):
        await orders.consumer.run_once()
    assert orders.stream.committed == []
    await orders.consumer.run_once()

    assert sorted(orders.handled) == ids(1, 3)
    assert orders.kept == [(2, 1)]


async def test_a_dead_letter_that_cannot_be_kept_moves_no_offset() -> None:
    orders = service([delivery(1, headers={"ce_id": b"?"})])
    orders.unit_of_work.failures = [AWAY]

    with pytest.raises(Unavailable):
        await orders.consumer.run_once()
    assert orders.stream.committed == []

    await orders.consumer.run_once()
    assert orders.dead == [1]


async def test_a_redelivered_dead_letter_is_kept_once() -> None:
    orders = service([delivery(1, headers={"ce_id": b"?"})], [delivery(1, headers={"ce_id": b"?"})])

    await orders.consumer.run_once()
    await orders.consumer.run_once()

    assert orders.dead == [1]
