"""The RetryQueue port, and what it means to the inbox: one suite for the fake and for PostgreSQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ordersys.domain.shared.ids import EventId
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Delivery
from ordersys.messaging.inbox import Message
from ordersys.messaging.retry_queue import NO_OUTCOME, QueuedMessage
from tests.contract.world import World, later, undone
from tests.fakes.making import event_id, message, order_id

NAME = "order-service"
DELAYS = (60.0, 60.0, 60.0, 60.0)
AT_ONCE = (0.0, 0.0, 0.0, 0.0)


def ids(*numbers: int) -> set[EventId]:
    return {event_id(number) for number in numbers}


async def first_failure(world: World, number: int, *, order: int = 1, delay: float = 0.0) -> None:
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.record_first_failure(NAME, message(number, order=order), "ValueError: cannot", delay)


async def queue(world: World, *messages: Message, consumer: str = NAME) -> set[EventId]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.retries.enqueue(consumer, messages)


async def ahead(world: World, *messages: Message, delay: float = 60.0) -> set[EventId]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.retries.reserve_first_attempt(NAME, messages, delay)


async def due(world: World, delays: Sequence[float] = DELAYS, consumer: str = NAME) -> QueuedMessage | None:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.retries.claim_next_attempt(consumer, delays)


async def number_due(world: World, delays: Sequence[float] = DELAYS) -> tuple[int, int] | None:
    """(event number, attempts)."""
    found = await due(world, delays)
    return (found.event_id.int & 0xFFFF, found.attempts) if found else None


async def take(world: World, **attempts: int) -> set[EventId]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.retries.remove_if_unchanged(
            NAME, {event_id(int(name[1:])): n for name, n in attempts.items()}
        )


async def free(world: World, *messages: Message, passing: Sequence[int] = (), consumer: str = NAME) -> set[EventId]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.inbox.claim_free(consumer, messages, passing=ids(*passing))


async def bury(world: World, number: int, *, order: int = 1) -> None:
    dead = message(number, order=order)
    letter = DeadLetter(
        consumer=NAME,
        event_id=dead.event_id,
        order_id=dead.order_id,
        type=dead.type,
        delivery=dead.delivery,
        attempts=5,
        error="ValueError: cannot",
    )
    async with world.unit_of_work.begin() as transaction:
        await transaction.dead_letters.add([letter])


async def test_what_was_put_aside_comes_back_whole(world: World) -> None:
    odd = {"binary": bytes(range(256)), "empty": b""}
    original = message(7, order=3)
    delivery = replace(original.delivery, key=b"\0key", headers={**original.delivery.headers, **odd})
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.record_first_failure(
            NAME, original._replace(delivery=delivery), "ValueError: a\0b", 0
        )

    found = await due(world)

    assert found
    assert (found.event_id, found.order_id, found.type) == (event_id(7), order_id(3), original.type)
    assert (found.attempts, found.error) == (2, NO_OUTCOME)
    assert found.delivery == delivery


async def test_a_message_without_key_or_value_comes_back_without(world: World) -> None:
    bare = Delivery(topic="t", partition=3, offset=2**40, key=None, value=None, headers={})
    await queue(world, message(1)._replace(delivery=bare))

    found = await due(world)

    assert found
    assert found.delivery == bare


async def test_nothing_is_due_before_its_time(world: World) -> None:
    await first_failure(world, 1, delay=60)

    assert await due(world) is None


async def test_each_attempt_is_counted_and_sets_the_next_moment(world: World) -> None:
    await first_failure(world, 1, delay=0.01)

    assert await later(lambda: number_due(world, (0.5, 0.5))) == (1, 2)
    assert await number_due(world) is None
    assert await later(lambda: number_due(world, (0.5, 60))) == (1, 3)
    assert await due(world) is None


async def test_the_last_delay_repeats_and_the_error_of_the_last_attempt_stays(world: World) -> None:
    await first_failure(world, 1)
    errors = [found.error for _ in range(3) if (found := await due(world, (0.0,)))]

    assert errors == [NO_OUTCOME, NO_OUTCOME, NO_OUTCOME]


async def test_the_error_of_an_attempt_too_many_is_kept_for_the_letter(world: World) -> None:
    await first_failure(world, 1)
    await due(world, (0.0,))
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.record_failure(NAME, event_id(1), 2, "KeyError: last words", 0)

    found = await due(world, (0.0,))

    assert found
    assert (found.attempts, found.error) == (3, "KeyError: last words")


async def test_only_the_oldest_of_an_order_is_due(world: World) -> None:
    await first_failure(world, 2)
    await queue(world, message(1), message(3), message(9, order=2))

    assert await number_due(world) == (2, 2)
    assert await number_due(world) == (9, 1)
    assert await number_due(world) is None
    assert await take(world, _2=2) == ids(2)
    assert await number_due(world) == (1, 1)
    assert await number_due(world) is None


async def test_another_consumer_neither_waits_nor_is_due(world: World) -> None:
    await first_failure(world, 1)

    assert await due(world, consumer="payment-service") is None
    assert await free(world, message(2), consumer="payment-service") == ids(2)


async def test_what_somebody_is_counting_is_passed_over(world: World) -> None:
    await first_failure(world, 1, order=1)
    await first_failure(world, 2, order=2)

    async with undone(world.unit_of_work) as transaction:
        first = await transaction.retries.claim_next_attempt(NAME, AT_ONCE)
        assert first
        assert first.event_id == event_id(1)
        assert await number_due(world) == (2, 2)

    assert await number_due(world) == (1, 2)


async def test_of_many_at_the_same_moment_each_counts_another(world: World) -> None:
    for number in range(1, 9):
        await first_failure(world, number, order=number)

    found = await asyncio.gather(*(number_due(world) for _ in range(8)))

    assert len(set(found)) == len([one for one in found if one]) > 0


async def test_only_the_attempt_that_was_counted_takes_the_message(world: World) -> None:
    await first_failure(world, 1)
    await due(world)

    assert await take(world, _1=1) == set()
    assert await take(world, _1=2) == ids(1)
    assert await take(world, _1=2) == set()
    assert await world.count("inbox_retries") == 0


async def test_only_the_attempt_that_was_counted_locks_the_message(world: World) -> None:
    await first_failure(world, 1)

    async with world.unit_of_work.begin() as transaction:
        assert await transaction.retries.lock_if_unchanged(NAME, {event_id(1): 2, event_id(2): 1}) == set()
        assert await transaction.retries.lock_if_unchanged(NAME, {event_id(1): 1}) == ids(1)
        assert await due(world) is None

    assert await number_due(world) == (1, 2)


async def test_what_is_taken_and_rolled_back_is_there_again(world: World) -> None:
    await first_failure(world, 1, delay=60)
    async with undone(world.unit_of_work) as transaction:
        assert await transaction.retries.remove_if_unchanged(NAME, {event_id(1): 1}) == ids(1)

    assert await take(world, _1=1) == ids(1)


async def test_a_failure_is_deferred_with_its_reason(world: World) -> None:
    await first_failure(world, 1)
    await due(world, AT_ONCE)
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.record_failure(NAME, event_id(1), 2, "KeyError: x", 60)

    assert await due(world) is None


async def test_a_failure_of_an_attempt_that_is_over_changes_nothing(world: World) -> None:
    await first_failure(world, 1)
    await due(world, AT_ONCE)
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.record_failure(NAME, event_id(1), 1, "KeyError: stale", 60)

    assert await number_due(world) == (1, 3)


async def test_an_attempt_that_could_not_be_made_is_given_back(world: World) -> None:
    await first_failure(world, 1)
    await due(world)
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.uncount_attempts(NAME, {event_id(1): 2})
    assert await number_due(world) == (1, 2)


async def test_an_attempt_that_was_never_counted_is_not_given_back(world: World) -> None:
    await first_failure(world, 1)
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.uncount_attempts(NAME, {event_id(1): 2})

    assert await number_due(world) == (1, 2)


async def test_a_message_is_kept_once(world: World) -> None:
    await first_failure(world, 1, delay=60)

    assert await queue(world, message(1), message(1)) == set()
    assert await world.count("inbox_retries") == 1
    assert await due(world) is None


async def test_a_first_failure_of_what_was_counted_ahead_is_its_first_attempt(world: World) -> None:
    await ahead(world, message(1))
    await first_failure(world, 1)

    assert await number_due(world) == (1, 2)


async def test_a_late_first_failure_does_not_hurry_later_attempts(world: World) -> None:
    await first_failure(world, 1)
    await due(world)
    await first_failure(world, 1)

    assert await due(world) is None


async def test_counted_ahead_are_those_that_may_be_handled_now(world: World) -> None:
    await first_failure(world, 1, order=1)
    await free(world, message(2, order=2))
    await bury(world, 3, order=3)

    counted = await ahead(world, message(1), message(8), message(2, order=2), message(3, order=3), message(4, order=4))

    assert counted == ids(4)
    assert await take(world, _4=1) == ids(4)


async def test_counted_ahead_are_several_of_one_order(world: World) -> None:
    assert await ahead(world, message(1), message(2), message(1)) == ids(1, 2)
    assert await ahead(world, message(3)) == set()


async def test_what_was_handled_or_is_dead_does_not_queue(world: World) -> None:
    await free(world, message(1))
    await bury(world, 2)

    assert await queue(world, message(1), message(2), message(3)) == ids(3)


async def test_events_behind_a_kept_one_are_not_free(world: World) -> None:
    await first_failure(world, 1, order=1)

    assert await free(world, message(2, order=1), message(3, order=2), message(1, order=1)) == ids(3)
    assert await world.count("inbox_events") == 1


async def test_events_of_the_order_are_free_once_nothing_of_it_is_kept(world: World) -> None:
    await first_failure(world, 1)
    await take(world, _1=1)

    assert await free(world, message(2)) == ids(2)


async def test_what_lets_others_pass_holds_nothing_back(world: World) -> None:
    await ahead(world, message(1), message(2))
    async with world.unit_of_work.begin() as transaction:
        await transaction.retries.remove_if_unchanged(NAME, {event_id(1): 1})
        assert await transaction.inbox.claim_free(NAME, [message(1)], passing=ids(2)) == ids(1)

    assert await world.count("inbox_retries") == 1


async def test_a_dead_letter_is_not_free_but_what_comes_after_it_is(world: World) -> None:
    await bury(world, 1)

    assert await free(world, message(1), message(2)) == ids(2)


async def test_a_dead_letter_of_another_consumer_is_free(world: World) -> None:
    await bury(world, 1)

    assert await free(world, message(1), consumer="payment-service") == ids(1)


async def test_free_events_are_claimed_once(world: World) -> None:
    assert await free(world, message(1), message(1)) == ids(1)
    assert await free(world, message(1)) == set()


@pytest.mark.parametrize("attempt", range(3))
async def test_a_batch_and_a_later_attempt_handle_a_message_once(world: World, attempt: int) -> None:
    """A message that was counted ahead became due while its batch was under way."""
    await ahead(world, message(1), delay=0)

    async def batch() -> int:
        async with world.unit_of_work.begin() as transaction:
            await transaction.retries.remove_if_unchanged(NAME, {event_id(1): 1})
            return len(await transaction.inbox.claim_free(NAME, [message(1)], passing=()))

    async def again() -> int:
        found = await due(world, AT_ONCE)
        if found is None:
            return 0
        async with world.unit_of_work.begin() as transaction:
            if not await transaction.retries.remove_if_unchanged(NAME, {found.event_id: found.attempts}):
                return 0
            return len(await transaction.inbox.claim(NAME, [message(1)]))

    handled = await asyncio.gather(batch(), again())

    assert sum(handled) == 1
    assert await world.count("inbox_retries") == 0
