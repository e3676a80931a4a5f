"""Handlers that fail, a process that dies, a database that blinks: what a consumer makes of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from ordersys.domain.shared.errors import Unavailable
from ordersys.domain.shared.ids import EventId
from ordersys.messaging.inbox import Message
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.workshop.chaos.faults import CONSUME_CRASH, CONSUME_FAIL, DATABASE_BLIP
from ordersys.workshop.chaos.handling import (
    BlippingAutocommit,
    BlippingUnitOfWork,
    CrashingHandler,
    DeliberateFailure,
    FailingHandler,
    faulty_handler,
)
from tests.fakes.chaos import ScriptedFaults
from tests.fakes.making import event_id, message


@dataclass(slots=True, kw_only=True)
class Effects:
    """A database and a handler: `written` by it, and `done` when its transaction was committed."""

    written: list[EventId] = field(default_factory=list)
    done: list[EventId] = field(default_factory=list)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[list[EventId]]:
        open_effects: list[EventId] = []
        yield open_effects
        self.done += open_effects

    async def __call__(self, transaction: list[EventId], messages: Sequence[Message]) -> None:
        transaction += [message.event_id for message in messages]
        self.written += transaction


class Crashed(Exception):
    """Stands for the end of the process."""


def crash() -> None:
    raise Crashed


def ids(*numbers: int) -> list[EventId]:
    return [event_id(number) for number in numbers]


async def handle(handler: FailingHandler[list[EventId]], effects: Effects, *numbers: int) -> bool:
    """Whether it went well."""
    try:
        async with effects.begin() as transaction:
            await handler(transaction, [message(number) for number in numbers])
    except DeliberateFailure:
        return False
    return True


def failing(*at: int) -> tuple[Effects, FailingHandler[list[EventId]], ScriptedFaults]:
    effects, faults = Effects(), ScriptedFaults(point=CONSUME_FAIL, at=set(at))
    return effects, FailingHandler(handle=effects, faults=faults), faults


async def test_one_condemned_message_fails_its_batch() -> None:
    effects, handler, _ = failing(1)

    assert not await handle(handler, effects, 1, 2, 3)

    assert effects.written == []


async def test_taken_apart_only_the_condemned_one_fails_and_it_was_counted_once() -> None:
    effects, handler, faults = failing(1)
    await handle(handler, effects, 1, 2, 3)

    alone = [await handle(handler, effects, number) for number in (1, 2, 3)]

    assert alone == [True, False, True]
    assert (faults.draws, faults.struck) == (3, 1)
    assert effects.done == ids(1, 3)


async def test_halved_the_verdicts_stay() -> None:
    effects, handler, faults = failing(0)
    await handle(handler, effects, 1, 2, 3, 4)

    parts = ((1, 2), (1,), (2,), (3, 4))
    assert [await handle(handler, effects, *part) for part in parts] == [False, False, True, True]
    assert (faults.draws, faults.struck) == (4, 1)


async def test_the_next_attempt_of_a_failed_message_is_decided_anew() -> None:
    effects, handler, faults = failing(0)

    assert [await handle(handler, effects, 1) for _ in range(2)] == [False, True]
    assert faults.draws == 2


async def test_a_process_dies_with_its_effects_written_and_not_committed() -> None:
    effects = Effects()
    handler = CrashingHandler(handle=effects, faults=ScriptedFaults(point=CONSUME_CRASH, at={1}), crash=crash)

    with pytest.raises(Crashed):
        async with effects.begin() as transaction:
            await handler(transaction, [message(1), message(2)])

    assert (effects.written, effects.done) == (ids(1, 2), [])


@pytest.mark.parametrize("point", [CONSUME_FAIL, CONSUME_CRASH])
async def test_the_whole_chain_has_each_point(point: str) -> None:
    effects, faults = Effects(), ScriptedFaults(point=point, at={0})
    handler = faulty_handler(effects, faults, crash)

    with pytest.raises((Crashed, DeliberateFailure)):
        async with effects.begin() as transaction:
            await handler(transaction, [message(1)])

    assert faults.struck == 1


Blipping = type[BlippingUnitOfWork[list[EventId]] | BlippingAutocommit[list[EventId]]]


async def blinks(unit_of_work: UnitOfWork[list[EventId]], effects: Effects, number: int) -> bool:
    try:
        async with unit_of_work.begin() as transaction:
            await effects(transaction, [message(number)])
    except Unavailable:
        return True
    return False


@pytest.mark.parametrize("blipping", [BlippingUnitOfWork, BlippingAutocommit])
async def test_a_blip_comes_before_the_commit_and_behind_it_in_turn(blipping: Blipping) -> None:
    effects = Effects()
    unit_of_work = blipping(unit_of_work=effects, faults=ScriptedFaults(point=DATABASE_BLIP))

    assert [await blinks(unit_of_work, effects, number) for number in (1, 2, 3, 4)] == [True] * 4

    assert effects.done == ids(2, 4)


@pytest.mark.parametrize("blipping", [BlippingUnitOfWork, BlippingAutocommit])
async def test_without_a_strike_it_is_the_plain_unit_of_work(blipping: Blipping) -> None:
    effects = Effects()
    unit_of_work = blipping(unit_of_work=effects, faults=ScriptedFaults(point=DATABASE_BLIP, at={}))

    assert not await blinks(unit_of_work, effects, 1)

    assert effects.done == ids(1)


async def test_a_unit_of_work_that_failed_by_itself_draws_no_blip() -> None:
    faults = ScriptedFaults(point=DATABASE_BLIP)

    with pytest.raises(ZeroDivisionError):
        async with BlippingUnitOfWork(unit_of_work=Effects(), faults=faults).begin():
            raise ZeroDivisionError

    assert faults.draws == 0


async def test_a_statement_commits_by_itself_so_its_blip_comes_before_it() -> None:
    effects = Effects()
    unit_of_work = BlippingAutocommit(unit_of_work=effects, faults=ScriptedFaults(point=DATABASE_BLIP, at={0}))

    assert await blinks(unit_of_work, effects, 1)

    assert (effects.written, effects.done) == ([], [])


async def test_tried_until_it_ends_well_each_effect_happens_once() -> None:
    """The second blip is behind the commit: the batch comes again, and what is done already is left out, as the
    inbox does it.
    """
    effects, batch = Effects(), [message(1), message(2)]
    unit_of_work = BlippingUnitOfWork(unit_of_work=effects, faults=ScriptedFaults(point=DATABASE_BLIP, at={0, 1}))
    claimed: list[int] = []

    async def attempt() -> bool:
        with suppress(Unavailable):
            async with unit_of_work.begin() as transaction:
                fresh = [one for one in batch if one.event_id not in effects.done]
                claimed.append(len(fresh))
                await effects(transaction, fresh)
            return True
        return False

    assert [await attempt() for _ in range(3)] == [False, False, True]
    assert (claimed, effects.done) == ([2, 2, 0], ids(1, 2))
