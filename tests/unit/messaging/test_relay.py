import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from ordersys.domain.shared.errors import Contention, DomainError, Unavailable
from ordersys.messaging.envelope import Acked, Record, Refused
from ordersys.messaging.outbox import SHARDS, Outbox
from ordersys.messaging.relay import Relay, RelayTuning
from tests.fakes.clock import FakeClock
from tests.fakes.making import event_id, order_id, outgoing
from tests.fakes.memory import Changes
from tests.fakes.messaging import (
    FakeMeter,
    FakeOutbox,
    FakeOutboxQueue,
    FakeShardLeases,
    MessagingTables,
    ScriptedPublisher,
)
from tests.waiting import eventually

LEASE = 5.0
DELAYS = (0.05, 0.1, 0.2)
DROP = Refused(reason="publish.drop")
OK = Acked(partition=0, offset=0)


@dataclass(slots=True, kw_only=True)
class Office:
    """The outbox of one database, time that stands still, and a broker that does as it is told."""

    tables: MessagingTables = field(default_factory=MessagingTables)
    clock: FakeClock = field(default_factory=FakeClock)
    broker: ScriptedPublisher = field(default_factory=ScriptedPublisher)
    meter: FakeMeter = field(default_factory=FakeMeter)
    queue: FakeOutboxQueue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = FakeOutboxQueue(tables=self.tables, ticker=self.clock)

    async def write(self, *events: tuple[int, int]) -> None:
        """(event number, order number) in the order of their commits."""
        changes = Changes()
        outbox: Outbox = FakeOutbox(tables=self.tables, changes=changes)
        await outbox.append([outgoing(number, order=order) for number, order in events])
        changes.commit()

    def leases(self, name: str = "worker") -> FakeShardLeases:
        return FakeShardLeases(tables=self.tables, ticker=self.clock, owner=name, lease_seconds=LEASE)

    def relay(
        self, leases: FakeShardLeases | None = None, *, lease_seconds: float = LEASE, batch_size: int = 500
    ) -> Relay:
        tuning = RelayTuning(
            batch_size=batch_size, lease_seconds=lease_seconds, retry_delays=DELAYS, topic_prefix="test."
        )
        return Relay(
            queue=self.queue,
            leases=leases or self.leases(),
            publisher=self.broker,
            meter=self.meter,
            ticker=self.clock,
            tuning=tuning,
        )

    def sent(self) -> list[list[str]]:
        """The event ids of each call to the broker, as their last digits."""
        return [[dict(record.headers)["ce_id"].decode()[-2:] for record in call] for call in self.broker.sent]

    def refuse(self, *numbers: int, answer: Refused = DROP) -> None:
        ids = {str(event_id(number)).encode() for number in numbers}
        self.broker.answer = lambda record: answer if dict(record.headers)["ce_id"] in ids else OK


@pytest.fixture
def office() -> Office:
    return Office()


async def test_what_is_acknowledged_is_archived_and_gone(office: Office) -> None:
    await office.write((1, 1), (2, 2))

    assert await office.relay().run_once() == 2

    assert not office.tables.outbox.rows
    assert [one.topic for one in office.tables.archive.values()] == ["test.orders"] * 2
    assert office.meter.types == ["ordersys.OrderCreated.v1"] * 2


async def test_an_empty_outbox_is_no_work(office: Office) -> None:
    assert await office.relay().run_once() == 0
    assert office.broker.sent == []


async def test_the_key_of_a_record_is_its_order(office: Office) -> None:
    await office.write((1, 7))

    await office.relay().run_once()

    assert [record.key for record in office.broker.sent[0]] == [str(order_id(7)).encode()]


async def test_one_order_has_one_record_under_way_at_a_time(office: Office) -> None:
    await office.write((1, 1), (2, 1), (3, 2), (4, 1))
    relay = office.relay()

    while await relay.run_once():
        pass

    assert office.sent() == [["01", "03"], ["02"], ["04"]]


async def test_a_failed_event_holds_back_the_later_ones_of_its_order_only(office: Office) -> None:
    await office.write((1, 1), (2, 1), (3, 2), (4, 2))
    office.refuse(1)
    relay = office.relay()

    while await relay.run_once():
        pass

    assert office.sent() == [["01", "03"], ["04"]]
    assert office.meter.reasons == ["publish.drop"]


async def test_a_dropped_event_is_retried_after_growing_delays_until_it_goes(office: Office) -> None:
    await office.write((1, 1), (2, 1))
    office.refuse(1)
    relay = office.relay()
    waits: list[float] = []

    for _ in range(5):
        assert await relay.run_once() == 1
        waits.append(round(office.tables.attempts[1].next_at - office.clock(), 3))
        assert await relay.run_once() == 0
        office.clock.advance(waits[-1])
    office.refuse()
    while await relay.run_once():
        pass

    assert waits == [0.05, 0.1, 0.2, 0.2, 0.2]
    assert office.sent()[-2:] == [["01"], ["02"]]
    assert not office.tables.outbox.rows
    assert not office.tables.attempts
    assert office.tables.archive[1].row.attempts == 5


async def test_a_record_that_can_never_be_published_is_parked(office: Office) -> None:
    await office.write((1, 1), (2, 1), (3, 2))
    office.refuse(1, answer=Refused(reason="msg_size_too_large", permanent=True))
    relay = office.relay()

    await relay.run_once()
    office.clock.advance(1000)
    while await relay.run_once():
        pass

    assert office.sent() == [["01", "03"]]
    assert office.tables.attempts[1].parked
    assert office.tables.attempts[1].error == "msg_size_too_large"
    assert len(office.tables.outbox.rows) == 2


@pytest.mark.parametrize("refused", [(), (1,)])
async def test_what_the_broker_answered_is_kept_while_the_database_is_away(
    office: Office, refused: tuple[int, ...]
) -> None:
    await office.write((1, 1), (2, 2))
    office.refuse(*refused)
    relay = office.relay()
    publish = office.broker.answer

    def then_away(record: Record) -> Acked | Refused:
        office.queue.failures = [Unavailable("postgres"), Unavailable("postgres")]
        return publish(record)

    office.broker.answer = then_away
    for _ in range(2):
        with pytest.raises(Unavailable):
            await relay.run_once()
    await relay.run_once()

    assert office.sent() == [["01", "02"]]
    assert len(office.tables.archive) == 2 - len(refused)
    assert office.meter.reasons == ["publish.drop"] * len(refused)


@pytest.mark.parametrize("trouble", [None, Unavailable("postgres"), Contention("57014")])
async def test_leases_are_renewed_while_the_broker_is_slow(trouble: DomainError | None) -> None:
    office = Office()
    await office.write((1, 1))
    release = asyncio.Event()
    leases = office.leases()
    leases.trouble = trouble
    relay = office.relay(leases, lease_seconds=0.03)
    relay.publisher = HeldPublisher(release)

    running = asyncio.create_task(relay.run_once())
    await eventually(lambda: leases.renewals >= 3)
    assert office.tables.outbox.rows
    release.set()

    assert await running == 1
    assert not office.tables.outbox.rows


async def test_a_worker_that_lost_its_shards_archives_nothing(office: Office) -> None:
    await office.write((1, 1))
    relay = office.relay()

    def loses_its_shards(record: Record) -> Acked | Refused:
        for lease in office.tables.leases:
            lease.owner, lease.token = "another", lease.token + 1
        return OK

    office.broker.answer = loses_its_shards
    await relay.run_once()

    assert len(office.tables.outbox.rows) == 1
    assert not office.tables.archive


async def test_a_worker_that_lost_its_shards_lets_their_failures_stand(office: Office) -> None:
    await office.write((1, 1))
    office.refuse(1)
    relay = office.relay()
    await relay.run_once()
    office.clock.advance(DELAYS[0])

    def loses_its_shards(record: Record) -> Acked | Refused:
        for lease in office.tables.leases:
            lease.token += 1
        return OK

    office.broker.answer = loses_its_shards
    await relay.run_once()

    assert office.tables.attempts[1].count == 1


async def test_only_rows_of_its_own_shards_are_published(office: Office) -> None:
    await office.write(*((number, number) for number in range(1, 41)))
    first, second = office.relay(office.leases("one")), office.relay(office.leases("two"))
    await first.leases.balance(returning=True)
    await second.leases.balance(returning=True)

    for _ in range(3):
        await first.run_once()
        await second.run_once()
        office.clock.advance(LEASE / 3)

    assert (first.shards, second.shards) == (SHARDS // 2, SHARDS // 2)
    sent = [event for call in office.sent() for event in call]
    assert len(set(sent)) == len(sent) == 40


async def test_without_shards_it_has_no_work(office: Office) -> None:
    await office.write((1, 1))
    for lease in office.tables.leases:
        lease.owner, lease.until = "another", LEASE

    assert await office.relay().run_once() == 0
    assert office.broker.sent == []


async def test_a_returning_worker_takes_its_shards_back_at_once_under_new_tokens(office: Office) -> None:
    await office.relay().run_once()
    before = [lease.token for lease in office.tables.leases]

    back = office.relay()
    await back.run_once()

    assert back.shards == SHARDS
    assert [lease.token for lease in office.tables.leases] == [token + 1 for token in before]


async def test_a_worker_comes_back_by_name_only_once(office: Office) -> None:
    relay = office.relay()
    await relay.run_once()
    office.clock.advance(LEASE)
    await relay.run_once()

    assert {lease.token for lease in office.tables.leases} == {1}


async def test_a_worker_that_leaves_frees_its_shards_at_once(office: Office) -> None:
    relay = office.relay(office.leases("one"))
    await relay.run_once()

    await relay.leave()
    other = office.relay(office.leases("two"))
    await other.run_once()

    assert (relay.shards, other.shards) == (0, SHARDS)


class HeldPublisher:
    """Answers once it is released."""

    def __init__(self, release: asyncio.Event) -> None:
        self._release = release

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        await self._release.wait()
        return [OK for _ in records]
