"""Letters and DeadLetterReads, and the record that a dead letter sends: one suite for the fake and for PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from ordersys.domain.orders.order import Status
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Delivery
from ordersys.messaging.outbox import SHARDS
from ordersys.messaging.relay import to_record
from ordersys.usecase.dead_letters.ports import DeadLetterStatus, Fate, Forecast
from ordersys.usecase.dead_letters.resolve_dead_letters import DiscardDeadLetters, ReplayDeadLetters, Resolution
from tests.contract.world import World
from tests.fakes import placing
from tests.fakes.making import delivery, event_id, message, order, order_created, order_id

NAME = "order-service"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def letter(number: int, *, of: int = 1, consumer: str = NAME, error: str = "ValueError: cannot") -> DeadLetter:
    return DeadLetter(
        consumer=consumer,
        event_id=event_id(number),
        order_id=order_id(of),
        type=order_created().TYPE,
        delivery=delivery(number, order=of),
        attempts=5,
        error=error,
    )


def unreadable(number: int, **headers: bytes) -> DeadLetter:
    bare = Delivery(topic="test.orders", partition=0, offset=number, key=b"\0", value=b"\xff\0", headers=headers)
    return replace(letter(number), event_id=None, order_id=None, type=None, delivery=bare)


async def add(world: World, *letters: DeadLetter) -> list[UUID]:
    """All letters, the oldest first."""
    async with world.unit_of_work.begin() as transaction:
        await transaction.dead_letters.add(letters)
    return list(await world.letters.new(None))


async def replay(world: World, *ids: UUID, by: str = "olga") -> list[Resolution]:
    return list((await ReplayDeadLetters(unit_of_work=world.unit_of_work).execute(ids, by=by)).values())


async def discard(world: World, *ids: UUID, by: str = "olga") -> list[Resolution]:
    return list((await DiscardDeadLetters(unit_of_work=world.unit_of_work).execute(ids, by=by)).values())


async def status(world: World, dead_letter_id: UUID) -> tuple[str, str | None]:
    content = await world.letters.content(dead_letter_id)
    assert content
    return content.letter.status, content.letter.resolved_by


async def fate(world: World, dead_letter_id: UUID) -> Fate:
    return (await world.letters.fates([dead_letter_id]))[dead_letter_id]


async def retry(world: World, *, fail: bool = False) -> int:
    """Makes the attempt that is due, as the retries do; answers the event's number, 0 if nothing was due."""
    async with world.unit_of_work.begin() as transaction:
        due = await transaction.retries.claim_next_attempt(NAME, (0.0,))
    if due is None:
        return 0
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.remove_if_unchanged(NAME, {due.event_id: due.attempts})
        if fail:
            await transaction.dead_letters.add([letter(due.event_id.int & 0xFFFF, error="KeyError: again")])
        else:
            await transaction.inbox.claim(NAME, [message(due.event_id.int & 0xFFFF)])
    return due.event_id.int & 0xFFFF


async def test_letters_are_listed_the_newest_first(world: World) -> None:
    ids = await add(world, letter(1), letter(2, consumer="payment-service"), letter(3))
    await discard(world, ids[0])

    async def listed(
        *, of: DeadLetterStatus | None = None, consumer: str | None = None, before: UUID | None = None, limit: int = 9
    ) -> Sequence[UUID]:
        page = await world.letters.page(status=of, consumer=consumer, before=before, limit=limit)
        assert page.next_cursor in (None, str(page.items[-1].id) if page.items else None)
        return [one.id for one in page.items]

    assert await listed() == ids[::-1]
    assert await listed(of=DeadLetterStatus.NEW) == [ids[2], ids[1]]
    assert await listed(consumer="payment-service") == [ids[1]]
    assert await listed(limit=1) == [ids[2]]
    assert await listed(before=ids[1]) == [ids[0]]


async def test_a_letter_shows_its_record(world: World) -> None:
    (one,) = await add(world, letter(7, of=3))

    content = await world.letters.content(one)

    assert content
    assert (content.letter.event_id, content.letter.order_id) == (event_id(7), order_id(3))
    assert (content.letter.topic, content.letter.offset, content.letter.attempts) == ("test.orders", 7, 5)
    assert content.headers["ce_id"] == str(event_id(7))
    assert content.key == str(order_id(3))
    assert content.value
    assert content.value.startswith('{"order_id"')


async def test_a_letter_of_bytes_shows_what_can_be_shown(world: World) -> None:
    (one,) = await add(world, unreadable(1))

    content = await world.letters.content(one)

    assert content
    assert (content.key, content.value) == ("\0", "\ufffd\0")
    assert await world.letters.content(uuid4()) is None


async def test_a_replay_is_for_the_consumer_that_failed_and_recorded(world: World) -> None:
    (one,) = await add(world, letter(1))

    assert await replay(world, one) == [Resolution.DONE]

    assert await status(world, one) == ("REPLAYED", "olga")
    assert await fate(world, one) is Fate.WAITING
    async with world.unit_of_work.begin() as transaction:
        assert await transaction.retries.claim_next_attempt("payment-service", (1.0,)) is None
        due = await transaction.retries.claim_next_attempt(NAME, (1.0,))
    assert due
    assert (due.event_id, due.attempts) == (event_id(1), 1)
    assert due.delivery.value == delivery(1).value


async def test_a_second_replay_changes_nothing(world: World) -> None:
    (one,) = await add(world, letter(1))
    await replay(world, one)

    assert await replay(world, one, by="pavel") == [Resolution.DONE_BEFORE]
    assert await retry(world) == 1
    assert await replay(world, one, by="pavel") == [Resolution.DONE_BEFORE]

    assert await status(world, one) == ("REPLAYED", "olga")
    assert await fate(world, one) is Fate.HANDLED
    assert await retry(world) == 0


async def test_a_replay_of_an_event_that_was_handled_is_over_at_once(world: World) -> None:
    (one,) = await add(world, letter(1))
    async with world.unit_of_work.begin() as transaction:
        await transaction.inbox.claim(NAME, [message(1)])

    await replay(world, one)

    assert await retry(world) == 0
    assert await fate(world, one) is Fate.HANDLED


async def test_a_replay_that_fails_is_the_same_letter_new_again(world: World) -> None:
    (one,) = await add(world, letter(1))
    await replay(world, one)
    await retry(world, fail=True)

    assert await status(world, one) == ("NEW", "olga")
    assert await fate(world, one) is Fate.FAILED
    content = await world.letters.content(one)
    assert content
    assert (content.letter.error, content.letter.resolved_at) == ("KeyError: again", None)
    assert await world.count("dead_letters") == 1
    assert await world.count("outbox") == 2
    assert await replay(world, one) == [Resolution.DONE]


async def test_what_was_discarded_is_not_tried_but_can_be_replayed(world: World) -> None:
    (one,) = await add(world, letter(1))

    assert await discard(world, one) == [Resolution.DONE]
    assert await discard(world, one, by="pavel") == [Resolution.DONE_BEFORE]
    assert await status(world, one) == ("DISCARDED", "olga")
    assert await retry(world) == 0
    assert await world.letters.new(None) == []
    assert await replay(world, one) == [Resolution.DONE]
    assert await retry(world) == 1


async def test_what_was_replayed_cannot_be_discarded(world: World) -> None:
    (one,) = await add(world, letter(1))
    await replay(world, one)

    assert await discard(world, one) == [Resolution.REPLAYED_BEFORE]
    assert await status(world, one) == ("REPLAYED", "olga")


async def test_what_is_not_there_or_has_no_event_cannot_be_replayed(world: World) -> None:
    (one,) = await add(world, unreadable(1))

    assert await replay(world, one, uuid4()) == [Resolution.UNREADABLE, Resolution.NOT_FOUND]
    assert await discard(world, uuid4()) == [Resolution.NOT_FOUND]
    assert await status(world, one) == ("NEW", None)


async def test_a_payload_that_could_not_be_read_can_be_replayed_once_it_can(world: World) -> None:
    (one,) = await add(world, replace(unreadable(1), delivery=delivery(1)))

    assert await replay(world, one) == [Resolution.DONE]
    assert await fate(world, one) is Fate.WAITING
    assert await retry(world) == 1
    assert await fate(world, one) is Fate.HANDLED


async def test_the_forecast_tells_what_a_replay_would_meet(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1, status=Status.CANCELLED), order(2), order(3)])
        await transaction.inbox.claim(NAME, [message(2, order=2), message(9, order=3), message(4, order=4)])
        await transaction.inbox.claim("payment-service", [message(8, order=2)])
    ids = await add(world, letter(1), letter(2, of=2), letter(3, of=3), letter(5, of=4))

    found = await world.letters.forecast(ids, inbox_since=LONG_AGO)

    assert [one.letter.id for one in found] == ids
    assert [_notes(one) for one in found] == [["order_finished"], ["handled"], ["after_later_event"], []]
    later = await world.letters.forecast(ids[3:], inbox_since=datetime.now(UTC) + timedelta(days=999))
    assert _notes(later[0]) == ["older_than_inbox"]


def _notes(one: Forecast) -> list[str]:
    names = ("handled", "older_than_inbox", "order_finished", "after_later_event")
    return [name for name in names if getattr(one, name)]


@pytest.mark.parametrize(
    "dead",
    [
        letter(1),
        replace(letter(1), delivery=replace(delivery(1), headers={**delivery(1).headers, "x": bytes(range(256))})),
    ],
    ids=["event", "odd header"],
)
async def test_a_dead_letter_goes_to_its_topic_whole(world: World, dead: DeadLetter) -> None:
    await add(world, dead, dead)

    (row,) = await world.queue.due(range(SHARDS), 10)
    record = to_record(row, "test.")

    original = dead.delivery
    assert (record.topic, record.key, record.value) == ("test.dlq", original.key, original.value)
    assert dict(record.headers) == {
        **original.headers,
        "dlq_consumer": b"order-service",
        "dlq_error": b"ValueError: cannot",
        "dlq_attempts": b"5",
        "dlq_topic": b"test.orders",
        "dlq_partition": b"0",
        "dlq_offset": b"1",
    }
    assert (row.type, row.source) == ("ordersys.DeadLettered.v1", NAME)


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"a\0b", "текст".encode(), bytes(range(256)) * 100])
async def test_the_bytes_of_a_dead_letter_go_to_its_topic_as_they_came(real_world: World, value: bytes | None) -> None:
    bare = replace(unreadable(1).delivery, key=None, value=value)
    await add(real_world, replace(unreadable(1), delivery=bare))

    (row,) = await real_world.queue.due(range(SHARDS), 10)
    record = to_record(row, "test.")

    assert (record.key, record.value) == (None, value)


async def test_a_letter_that_cannot_be_sent_holds_no_event_of_its_order_back(world: World) -> None:
    await add(world, letter(1))

    (row,) = await world.queue.due(range(SHARDS), 10)

    assert row.order_id != order_id(1)
