"""The relay with a backlog: batches overlap, orders do not."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from ordersys.domain.shared.errors import DomainError, Unavailable
from ordersys.messaging.envelope import Acked, Record, Refused
from ordersys.messaging.loop import Loop
from ordersys.messaging.outbox import FailedPublish, OutboxQueue, OutboxRow, PublishedRow
from ordersys.messaging.relay import PASS_SECONDS, Relay
from tests.unit.messaging.test_relay import OK, Office
from tests.waiting import eventually

T = TypeVar("T")
DROP = Refused(reason="publish.drop")


@dataclass(slots=True, kw_only=True)
class Broker:
    """Answers call by call when it is told to. `waiting` are the calls without an answer, as their event numbers."""

    waiting: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    answers: "list[asyncio.Future[dict[str, Acked | Refused]]]" = field(default_factory=list)

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        numbers = [dict(record.headers)["ce_id"].decode()[-2:] for record in records]
        name = " ".join(numbers)
        self.sent.append(name)
        self.waiting.append(name)
        answer: asyncio.Future[dict[str, Acked | Refused]] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        refused = await answer
        self.waiting.remove(name)
        return [refused.get(number, OK) for number in numbers]

    def answer(self, **refused: Acked | Refused) -> None:
        """The oldest call that waits; `e01=...` is what event 01 is told."""
        self.answers.pop(0).set_result({name[1:]: answer for name, answer in refused.items()})


@dataclass(slots=True, kw_only=True)
class Backlog:
    office: Office = field(default_factory=Office)
    broker: Broker = field(default_factory=Broker)

    @asynccontextmanager
    async def passing(self, *, batch_size: int) -> AsyncIterator["asyncio.Task[int]"]:
        async with running(self.relay(batch_size=batch_size).run_once()) as task:
            yield task

    def relay(self, *, batch_size: int) -> Relay:
        relay = self.office.relay(batch_size=batch_size)
        relay.publisher = self.broker
        return relay

    def archived(self) -> list[int]:
        return sorted(self.office.tables.archive)

    async def sent(self, *calls: str) -> None:
        await eventually(lambda: len(self.broker.sent) >= len(calls))
        assert self.broker.sent == list(calls)


@pytest.fixture
def backlog() -> Backlog:
    return Backlog()


async def test_while_a_batch_is_at_the_broker_the_next_is_read_and_the_one_before_is_archived(
    backlog: Backlog,
) -> None:
    await backlog.office.write(*((number, number) for number in range(1, 6)))

    async with backlog.passing(batch_size=2) as running:
        await backlog.sent("01 02")
        backlog.broker.answer()
        await backlog.sent("01 02", "03 04")
        await eventually(lambda: backlog.archived() == [1, 2])
        backlog.broker.answer()
        await backlog.sent("01 02", "03 04", "05")
        backlog.broker.answer()

        assert await running == 5
    assert not backlog.office.tables.outbox.rows


async def test_an_order_under_way_is_not_overtaken_by_its_next_event(backlog: Backlog) -> None:
    await backlog.office.write((1, 1), (2, 2), (3, 1), (4, 3), (5, 2))

    async with backlog.passing(batch_size=2) as running:
        await backlog.sent("01 02")
        backlog.broker.answer()
        await backlog.sent("01 02", "04")
        assert backlog.broker.waiting == ["04"]
        backlog.broker.answer()
        await running

    async with backlog.passing(batch_size=2):
        await backlog.sent("01 02", "04", "03 05")


async def test_an_answer_that_is_not_written_down_holds_its_order_back(backlog: Backlog) -> None:
    await backlog.office.write((1, 1), (2, 2), (3, 1), (4, 3))
    relay, written = backlog.relay(batch_size=1), asyncio.Event()
    relay.queue = SlowArchive(queue=backlog.office.queue, written=written)

    async with running(relay.run_once()) as passing:
        await backlog.sent("01")
        backlog.broker.answer()
        await backlog.sent("01", "02")
        assert relay.queue.read == [[1], [2], [4]]
        backlog.broker.answer()
        written.set()
        await backlog.sent("01", "02", "04")
        backlog.broker.answer()
        await backlog.sent("01", "02", "04", "03")
        backlog.broker.answer()
        assert await passing == 4


async def test_a_refused_record_holds_its_order_back_while_the_next_batch_is_under_way(backlog: Backlog) -> None:
    await backlog.office.write((1, 1), (2, 2), (3, 3), (4, 1), (5, 4))

    async with backlog.passing(batch_size=1) as passing:
        await backlog.sent("01")
        backlog.broker.answer(e01=DROP)
        await backlog.sent("01", "02")
        backlog.broker.answer()
        assert await passing == 2

    assert backlog.archived() == [2]
    assert list(backlog.office.tables.attempts) == [1]
    assert backlog.office.meter.reasons == ["publish.drop"]

    async with backlog.passing(batch_size=5):
        await backlog.sent("01", "02", "03 05")


async def test_a_batch_whose_shards_are_lost_at_the_broker_is_not_archived_and_ends_the_pass(backlog: Backlog) -> None:
    await backlog.office.write(*((number, number) for number in range(1, 6)))

    async with backlog.passing(batch_size=1) as passing:
        await backlog.sent("01")
        backlog.broker.answer()
        await backlog.sent("01", "02")
        await eventually(lambda: backlog.archived() == [1])
        for lease in backlog.office.tables.leases:
            lease.owner, lease.token = "another", lease.token + 1
        backlog.broker.answer()
        await backlog.sent("01", "02", "03")
        backlog.broker.answer()
        assert await passing == 3

    assert backlog.archived() == [1]
    assert len(backlog.office.tables.outbox.rows) == 4


async def test_a_stop_in_the_middle_of_a_backlog_archives_what_was_acknowledged(backlog: Backlog) -> None:
    await backlog.office.write(*((number, number) for number in range(1, 6)))
    stop, relay = asyncio.Event(), backlog.relay(batch_size=1)
    turning = Loop(name="relay", run_once=relay.run_once, observer=Deaf(), wake=asyncio.Event())

    async with running(turning.run(stop)) as loop:
        await backlog.sent("01")
        stop.set()
        backlog.broker.answer()
        await backlog.sent("01", "02")
        backlog.office.clock.advance(PASS_SECONDS)
        backlog.broker.answer()
        await backlog.sent("01", "02", "03")
        backlog.broker.answer()
        await asyncio.wait_for(loop, 2)

    assert backlog.archived() == [1, 2, 3]
    assert len(backlog.office.tables.outbox.rows) == 2


async def test_the_answers_of_two_batches_are_kept_while_the_database_is_away(backlog: Backlog) -> None:
    await backlog.office.write((1, 1), (2, 2), (3, 3))
    relay = backlog.relay(batch_size=1)

    async with running(relay.run_once()) as passing:
        await backlog.sent("01")
        backlog.broker.answer()
        await backlog.sent("01", "02")
        relay.queue = AwayQueue(queue=backlog.office.queue)
        backlog.broker.answer()
        await backlog.sent("01", "02", "03")
        backlog.broker.answer()
        with pytest.raises(Unavailable):
            await passing
    assert backlog.archived() == [1]

    relay.queue = backlog.office.queue
    assert await relay.run_once() == 0

    assert backlog.broker.sent == ["01", "02", "03"]
    assert backlog.archived() == [1, 2, 3]


async def test_a_pass_ends_when_the_leases_want_to_be_balanced(backlog: Backlog) -> None:
    await backlog.office.write(*((number, number) for number in range(1, 9)))

    async with backlog.passing(batch_size=1) as passing:
        await backlog.sent("01")
        backlog.office.clock.advance(PASS_SECONDS)
        backlog.broker.answer()
        await backlog.sent("01", "02")
        backlog.broker.answer()
        assert await passing == 2


@asynccontextmanager
async def running(unit_of_work: "Coroutine[object, object, T]") -> AsyncIterator["asyncio.Task[T]"]:
    task = asyncio.create_task(unit_of_work)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True, kw_only=True)
class SlowArchive:
    """Archives once it may; `read` are the ids of each batch."""

    queue: OutboxQueue
    written: asyncio.Event
    read: list[list[int]] = field(default_factory=list)

    async def due(self, shards: Sequence[int], limit: int, under_way: Sequence[OutboxRow] = ()) -> Sequence[OutboxRow]:
        rows = await self.queue.due(shards, limit, under_way)
        self.read.append([row.id for row in rows])
        return rows

    async def archive(self, published: Sequence[PublishedRow], tokens: Mapping[int, int]) -> int:
        await self.written.wait()
        return await self.queue.archive(published, tokens)

    async def defer(self, failed: Sequence[FailedPublish]) -> None:
        await self.queue.defer(failed)


@dataclass(slots=True, kw_only=True)
class AwayQueue:
    """A queue whose database is away."""

    queue: OutboxQueue

    async def due(self, shards: Sequence[int], limit: int, under_way: Sequence[OutboxRow] = ()) -> Sequence[OutboxRow]:
        raise Unavailable("postgres")

    async def archive(self, published: Sequence[PublishedRow], tokens: Mapping[int, int]) -> int:
        raise Unavailable("postgres")

    async def defer(self, failed: Sequence[FailedPublish]) -> None:
        raise Unavailable("postgres")


class Deaf:
    def unavailable(self, loop: str, error: DomainError) -> None: ...

    def recovered(self, loop: str) -> None: ...
