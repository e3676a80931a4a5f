import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from ordersys.domain.shared.errors import Contention, DomainError, Kind, Unavailable
from ordersys.messaging import loop
from ordersys.messaging.loop import Loop
from tests.waiting import eventually

AWAY = Unavailable("postgres")


@dataclass(slots=True, kw_only=True)
class Turns:
    """A run_once that does as `script` says, then finds nothing, and a watch that writes down what it is told."""

    script: list[int | Exception]
    passes: int = 0
    told: list[str] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run_once(self) -> int:
        self.passes += 1
        await asyncio.sleep(0)
        step = self.script.pop(0) if self.script else 0
        if isinstance(step, Exception):
            raise step
        return step

    def unavailable(self, loop: str, error: DomainError) -> None:
        self.told.append(f"{loop} lost {error.code}")

    def recovered(self, loop: str) -> None:
        self.told.append(f"{loop} back")

    def loop(self, *, busy: float = 0.0, idle: float = 60.0, linger: float = 0.0) -> Loop:
        return Loop(
            name="turns", run_once=self.run_once, observer=self, wake=self.wake, busy=busy, idle=idle, linger=linger
        )

    @asynccontextmanager
    async def running(
        self, *, busy: float = 0.0, idle: float = 60.0, linger: float = 0.0
    ) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.loop(busy=busy, idle=idle, linger=linger).run(self.stop))
        yield task
        self.stop.set()
        await asyncio.wait_for(task, 2)


async def test_while_there_is_work_it_goes_on_at_once() -> None:
    turns = Turns(script=[1] * 500)

    async with turns.running():
        await eventually(lambda: turns.passes > 500, within=1)


async def test_without_work_its_pauses_grow() -> None:
    turns = Turns(script=[])

    async with turns.running():
        await eventually(lambda: turns.passes >= 5)
        assert turns.passes < 20


async def test_after_work_its_pauses_stay_short_for_a_moment() -> None:
    turns = Turns(script=[1])

    async with turns.running(busy=0.001, linger=60):
        await eventually(lambda: turns.passes > 50, within=2)


async def test_pauses_do_not_stay_short_when_there_never_was_work() -> None:
    turns = Turns(script=[])

    async with turns.running(busy=0.001, linger=60):
        await eventually(lambda: turns.passes >= 5)
        assert turns.passes < 20


async def test_the_short_pauses_come_to_an_end() -> None:
    turns = Turns(script=[1])

    async with turns.running(busy=0.001, linger=0.02):
        await eventually(lambda: turns.passes >= 5)
        before = turns.passes
        await eventually(lambda: turns.passes > before + 3)
        assert turns.passes < 60


async def test_a_pause_leaves_no_task_behind() -> None:
    turns = Turns(script=[])

    async with turns.running(busy=0.001) as task:
        await eventually(lambda: turns.passes >= 5)
        others = asyncio.all_tasks() - {task, asyncio.current_task()}
        assert len(others) == 1  # the one that waits for the stop

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_wake_cuts_a_pause_short() -> None:
    turns = Turns(script=[1])

    async with turns.running(busy=60):
        await eventually(lambda: turns.passes == 1)
        turns.wake.set()
        await eventually(lambda: turns.passes == 2)


async def test_a_wake_during_a_pass_is_not_missed() -> None:
    turns = Turns(script=[])

    async def woken_meanwhile() -> int:
        turns.passes += 1
        turns.wake.set()
        return 1

    turning = Loop(name="turns", run_once=woken_meanwhile, observer=turns, wake=turns.wake, busy=60)
    task = asyncio.create_task(turning.run(turns.stop))
    await eventually(lambda: turns.passes >= 3)
    turns.stop.set()
    await asyncio.wait_for(task, 2)


async def test_a_stop_during_a_pause_ends_it_at_once() -> None:
    turns = Turns(script=[1])

    async with turns.running(busy=60):
        await eventually(lambda: turns.passes == 1)

    assert turns.passes == 1


async def test_a_stop_waits_for_the_pass_under_way() -> None:
    entered, leave, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    turns = Turns(script=[])

    async def slow() -> int:
        entered.set()
        await leave.wait()
        ended.set()
        return 1

    turning = Loop(name="slow", run_once=slow, observer=turns, wake=turns.wake)
    task = asyncio.create_task(turning.run(turns.stop))
    await entered.wait()
    turns.stop.set()
    await asyncio.sleep(0)
    assert not task.done()

    leave.set()
    await asyncio.wait_for(task, 2)
    assert ended.is_set()


async def test_an_absence_is_told_once_and_its_end_once() -> None:
    turns = Turns(script=[AWAY, AWAY, Contention("40P01"), 1])

    async with turns.running():
        await eventually(lambda: turns.passes > 4)

    assert turns.told == ["turns lost unavailable", "turns back"]


async def test_a_second_absence_is_told_again() -> None:
    turns = Turns(script=[AWAY, 1, AWAY, 1])

    async with turns.running():
        await eventually(lambda: turns.passes > 4)

    assert turns.told == ["turns lost unavailable", "turns back"] * 2


async def test_while_something_is_away_it_does_not_storm() -> None:
    turns = Turns(script=[AWAY] * 1000)

    async with turns.running():
        await eventually(lambda: turns.passes >= 3)
        turns.wake.set()
        assert turns.passes < 10


async def test_a_stop_while_something_is_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "AWAY_FIRST", 60.0)
    monkeypatch.setattr(loop, "AWAY_LAST", 60.0)
    turns = Turns(script=[AWAY])

    async with turns.running():
        await eventually(lambda: turns.told)

    assert turns.told == ["turns lost unavailable"]


@pytest.mark.parametrize("error", [ValueError("a bug"), DomainError("odd", Kind.CONFLICT)])
async def test_what_is_not_transient_ends_the_loop(error: Exception) -> None:
    turns = Turns(script=[1, error, 1])

    with pytest.raises(type(error)):
        await turns.loop().run(turns.stop)

    assert turns.passes == 2
    assert turns.told == []


async def test_the_longest_pause_may_change_while_it_runs() -> None:
    turns, longest = Turns(script=[]), [0.001]
    quick = Loop(name="turns", run_once=turns.run_once, observer=turns, wake=turns.wake, longest=lambda: longest[0])
    task = asyncio.create_task(quick.run(turns.stop))
    await eventually(lambda: turns.passes > 20)

    longest[0] = 60.0
    await eventually(lambda: _rests(turns))

    turns.stop.set()
    await asyncio.wait_for(task, 2)


def _rests(turns: Turns) -> bool:
    before, turns.passes = turns.passes, 0
    return before == 0
