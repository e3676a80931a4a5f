from collections import Counter
from uuid import UUID

from ordersys.messaging.ordering import first_of_each
from ordersys.messaging.outbox import SHARDS, outgoing, shard_of
from ordersys.messaging.unit_of_work import JoinedUnitOfWork
from tests.fakes.clock import NOON, FakeIds
from tests.fakes.making import CAUSE, order_created, order_id


def test_an_order_stays_in_its_shard_for_good() -> None:
    # Rows that wait in the outbox carry these numbers: another function would need a migration.
    known = [UUID(int=0), UUID("01939b2e-0000-7000-8000-000000000001"), UUID("01939b2e-ffff-7abc-9def-0123456789ab")]

    assert [shard_of(order) for order in known] == [21, 59, 31]


def test_shards_are_used_evenly() -> None:
    used = Counter(shard_of(UUID(int=n << 64 | 7)) for n in range(6_400))

    assert len(used) == SHARDS
    assert max(used.values()) < 200


def test_an_event_gets_an_id_of_its_own() -> None:
    ids = FakeIds()
    made = [outgoing(order_created(), order_id=order_id(1), at=NOON, cause=CAUSE, ids=ids) for _ in range(2)]

    assert [event.event_id.int for event in made] == [1, 2]
    assert {(event.order_id, event.occurred_at, event.cause) for event in made} == {(order_id(1), NOON, CAUSE)}


def test_the_first_of_each_comes_in_the_order_of_appearance() -> None:
    assert first_of_each(["b1", "a1", "b2", "c1", "a2"], lambda word: word[0]) == ["b1", "a1", "c1"]


async def test_a_joined_use_case_works_in_the_transaction_at_hand() -> None:
    transaction = object()

    async with JoinedUnitOfWork(transaction=transaction).begin() as joined:
        assert joined is transaction
