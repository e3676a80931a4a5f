import asyncio
from collections.abc import Awaitable

import pytest

from ordersys.entrypoint.timers.deadline import Deadline
from tests.waiting import eventually


async def never() -> None:
    await asyncio.Event().wait()


def kept(deadline: Deadline, call: Awaitable[None]) -> asyncio.Task[None]:
    return asyncio.create_task(_keep(deadline, call))


async def _keep(deadline: Deadline, call: Awaitable[None]) -> None:
    await deadline.keep(call)


async def test_a_call_in_time_answers() -> None:
    async def answer() -> str:
        await asyncio.sleep(0)
        return "answer"

    assert await Deadline(seconds=60).keep(answer()) == "answer"


async def test_what_a_call_raises_is_passed_on() -> None:
    async def bug() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await Deadline(seconds=60).keep(bug())


async def test_calls_that_take_too_long_end_one_after_the_other_and_others_go_on() -> None:
    deadline, heard = Deadline(seconds=0.05), asyncio.Event()

    async def wait() -> None:
        await heard.wait()

    first = kept(deadline, never())
    await eventually(first.done)
    second, good = kept(deadline, never()), kept(deadline, wait())
    await asyncio.sleep(0)
    heard.set()
    await eventually(second.done)

    assert isinstance(first.exception(), TimeoutError)
    assert isinstance(second.exception(), TimeoutError)
    assert good.done()
    assert good.exception() is None


async def test_after_a_deadline_the_task_goes_on_as_if_nothing_was() -> None:
    deadline = Deadline(seconds=0.01)

    async def twice() -> int:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await deadline.keep(never())
        await asyncio.sleep(0)
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    assert await asyncio.create_task(twice()) == 0


async def test_a_task_that_is_cancelled_by_another_is_cancelled() -> None:
    task = kept(Deadline(seconds=60), never())
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()


async def test_a_late_call_that_is_cancelled_as_well_is_cancelled() -> None:
    deadline, caught = Deadline(seconds=0.01), asyncio.Event()

    async def stubborn() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            caught.set()
            await asyncio.sleep(0)
            raise

    task = kept(deadline, stubborn())
    await caught.wait()
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()


async def test_one_timer_serves_all() -> None:
    deadline, made = Deadline(seconds=60), []
    loop = asyncio.get_running_loop()
    plain = loop.call_at

    def counted(when: float, *what: object, **context: object) -> asyncio.TimerHandle:
        made.append(when)
        return plain(when, *what, **context)  # type: ignore[arg-type]  # passed on as it came

    loop.call_at = counted  # type: ignore[method-assign]  # counts what the loop is asked for
    tasks = [kept(deadline, asyncio.sleep(0)) for _ in range(100)]
    await asyncio.wait(tasks)
    loop.call_at = plain  # type: ignore[method-assign]

    assert len(made) == 1
