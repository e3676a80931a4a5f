import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from ordersys.domain.shared.errors import Contention, Unavailable
from ordersys.entrypoint.coalescer import Busy, Coalescer
from tests.waiting import eventually


class Bank:
    """Doubles numbers, batch by batch, once `open` is set. `errors` are raised for batches that have these numbers."""

    def __init__(self, *, size: int = 100, in_flight: int = 1, queue: int = 100) -> None:
        self.batches: list[list[int]] = []
        self.errors: dict[int, Exception] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.running = 0
        self.coalescer: Coalescer[int, int] = Coalescer(
            execute=self._execute, batch_size=size, batches_in_flight=in_flight, queue_size=queue
        )

    async def _execute(self, commands: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(commands))
        self.running += 1
        await self.open.wait()
        self.running -= 1
        for number in commands:
            if number in self.errors:
                raise self.errors[number]
        return [number * 2 for number in commands]

    def _runs(self, batches: int) -> bool:
        return self.running == batches

    def submit(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.coalescer.submit(number)) for number in numbers]

    @asynccontextmanager
    async def busy(self, *numbers: int) -> AsyncIterator[list[asyncio.Task[int]]]:
        """While batches of these numbers, one each, are under way."""
        self.open.clear()
        tasks: list[asyncio.Task[int]] = []
        for number in numbers:
            tasks += self.submit(number)
            await eventually(partial(self._runs, len(tasks)))
        yield tasks
        self.open.set()
        await asyncio.gather(*tasks)


async def outcomes(tasks: Sequence[asyncio.Task[int]]) -> list[object]:
    """Results, or the names of errors."""
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(one).__name__ if isinstance(one, BaseException) else one for one in found]


async def test_alone_a_call_goes_at_once() -> None:
    bank = Bank()

    assert await asyncio.wait_for(bank.coalescer.submit(1), 1) == 2
    assert bank.batches == [[1]]


async def test_calls_of_the_same_moment_share_a_batch_and_get_their_own_answers() -> None:
    bank = Bank()

    assert await outcomes(bank.submit(1, 2, 3)) == [2, 4, 6]
    assert bank.batches == [[1, 2, 3]]


async def test_what_comes_while_a_batch_runs_is_the_next_batch() -> None:
    bank = Bank()

    async with bank.busy(1):
        late = bank.submit(2, 3)
        await asyncio.sleep(0)
        assert bank.batches == [[1]]

    assert await outcomes(late) == [4, 6]
    assert bank.batches == [[1], [2, 3]]


async def test_so_many_batches_may_run_at_once_and_no_more() -> None:
    bank = Bank(in_flight=2)

    async with bank.busy(1, 2):
        late = bank.submit(3)
        await asyncio.sleep(0)
        assert bank.running == 2

    assert await outcomes(late) == [6]


async def test_a_batch_has_its_size() -> None:
    bank = Bank(size=2)

    async with bank.busy(0):
        late = bank.submit(1, 2, 3, 4, 5)
        await asyncio.sleep(0)

    assert await outcomes(late) == [2, 4, 6, 8, 10]
    assert bank.batches == [[0], [1, 2], [3, 4], [5]]


async def test_a_bad_command_fails_alone() -> None:
    bank = Bank()
    bank.errors = {2: ValueError("two")}

    assert await outcomes(bank.submit(1, 2, 3)) == [2, "ValueError", 6]
    assert bank.batches == [[1, 2, 3], [1], [2], [3]]


async def test_a_batch_that_lost_to_another_is_run_again_one_by_one() -> None:
    bank = Bank()
    bank.errors = {2: Contention("40P01")}

    assert await outcomes(bank.submit(1, 2)) == [2, "Contention"]


async def test_when_a_server_is_away_all_fail_without_a_second_try() -> None:
    bank = Bank()
    bank.errors = {2: Unavailable("postgres")}

    assert await outcomes(bank.submit(1, 2, 3)) == ["Unavailable"] * 3
    assert bank.batches == [[1, 2, 3]]


async def test_after_a_failure_it_goes_on() -> None:
    bank = Bank()
    bank.errors = {1: Unavailable("postgres")}
    await outcomes(bank.submit(1))

    assert await outcomes(bank.submit(2)) == [4]


async def test_a_full_queue_is_busy() -> None:
    bank = Bank(queue=2)

    async with bank.busy(1):
        waiting = bank.submit(2, 3)
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await bank.coalescer.submit(4)

    assert await outcomes(waiting) == [4, 6]
    assert await outcomes(bank.submit(5)) == [10]


@pytest.mark.parametrize("steps", range(1, 8))
async def test_no_moment_is_one_in_which_calls_are_lost(steps: int) -> None:
    bank = Bank()
    first = bank.submit(1)
    for _ in range(steps):
        await asyncio.sleep(0)

    (late,) = bank.submit(2)

    assert await asyncio.wait_for(late, 1) == 4
    assert await outcomes(first) == [2]


async def test_a_cancelled_caller_disturbs_nobody() -> None:
    bank = Bank()

    async with bank.busy(1):
        gone, stays = bank.submit(2, 3)
        await asyncio.sleep(0)
        gone.cancel()

    assert await outcomes([gone, stays]) == ["CancelledError", 6]
    assert await outcomes(bank.submit(4)) == [8]


async def test_a_caller_cancelled_before_its_batch_fails_disturbs_nobody() -> None:
    bank = Bank()
    bank.errors = {3: Unavailable("postgres")}

    async with bank.busy(1):
        gone, stays = bank.submit(2, 3)
        await asyncio.sleep(0)
        gone.cancel()

    assert await outcomes([gone, stays]) == ["CancelledError", "Unavailable"]


async def test_a_command_under_way_is_finished_though_its_caller_is_gone() -> None:
    bank = Bank()
    bank.open.clear()
    (gone,) = bank.submit(1)
    await eventually(lambda: bank.running == 1)

    gone.cancel()
    bank.open.set()
    await bank.coalescer.drained()

    assert (bank.batches, bank.running) == ([[1]], 0)


async def test_drained_waits_for_what_runs_and_what_waits() -> None:
    bank = Bank(size=1)
    bank.open.clear()
    tasks = bank.submit(1, 2)
    await eventually(lambda: bank.running == 1)
    draining = asyncio.create_task(bank.coalescer.drained())
    await asyncio.sleep(0)
    assert not draining.done()

    bank.open.set()
    await asyncio.wait_for(draining, 2)

    assert await outcomes(tasks) == [2, 4]


async def test_what_never_ran_is_drained() -> None:
    await asyncio.wait_for(Bank().coalescer.drained(), 1)
