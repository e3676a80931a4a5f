from dataclasses import dataclass, field
from uuid import UUID

import pytest

from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Delivery
from ordersys.usecase.dead_letters.replay_all import ReplayAllDeadLetters, ReplayReport
from ordersys.usecase.dead_letters.resolve_dead_letters import ReplayDeadLetters
from tests.fakes.dead_letter_reads import FakeDeadLetterReads
from tests.fakes.making import delivery, event_id, message, order_created, order_id
from tests.fakes.unit_of_work import FakeUnitOfWork

NAME = "order-service"


@dataclass(slots=True, kw_only=True)
class Office:
    """Dead letters, and a consumer that makes the attempts whenever somebody waits. `bad` events fail again."""

    unit_of_work: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    bad: set[int] = field(default_factory=set)
    running: bool = True
    pauses: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    reports: int = 0

    @property
    def reads(self) -> FakeDeadLetterReads:
        return FakeDeadLetterReads(database=self.unit_of_work.database)

    async def fill(self, count: int) -> None:
        async with self.unit_of_work.begin() as transaction:
            await transaction.dead_letters.add([letter(number) for number in range(1, count + 1)])

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if seconds == 0.25 and self.running:
            self.sizes.append(len(self.unit_of_work.database.messaging.retries.rows))
            while await self._attempt():
                continue

    async def _attempt(self) -> bool:
        async with self.unit_of_work.begin() as transaction:
            due = await transaction.retries.claim_next_attempt(NAME, (0.0,))
            if due is None:
                return False
            number = due.event_id.int & 0xFFFF
            await transaction.retries.remove_if_unchanged(NAME, {due.event_id: due.attempts})
            if number in self.bad:
                await transaction.dead_letters.add([letter(number)])
            else:
                await transaction.inbox.claim(NAME, [message(number)])
        return True

    async def replay(self, rate: float = 1000) -> ReplayReport:
        replay = ReplayDeadLetters(unit_of_work=self.unit_of_work)
        use_case = ReplayAllDeadLetters(replay=replay, reads=self.reads, pause=self.pause, patience=10)
        return await use_case.execute(by="olga", rate=rate, progress=self._progress)

    def _progress(self, report: ReplayReport) -> None:
        self.reports += 1

    @property
    def statuses(self) -> list[str]:
        letters: list[tuple[UUID, str]] = [
            (one.id, one.status) for one in self.unit_of_work.database.messaging.letters.rows.values()
        ]
        return [status for _, status in sorted(letters)]


def letter(number: int) -> DeadLetter:
    return DeadLetter(
        consumer=NAME,
        event_id=event_id(number),
        order_id=order_id(number),
        type=order_created().TYPE,
        delivery=delivery(number, order=number),
        attempts=5,
        error="ValueError: cannot",
    )


async def test_the_waves_grow() -> None:
    office = Office()
    await office.fill(40)

    report = await office.replay()

    assert office.sizes == [1, 5, 25, 9]
    assert (report.waves, report.replayed, report.handled, report.stopped) == (4, 40, 40, "")
    assert office.statuses == ["REPLAYED"] * 40


async def test_it_stops_when_the_first_one_fails_again() -> None:
    office = Office(bad={1})
    await office.fill(40)

    report = await office.replay()

    assert (report.replayed, report.failed) == (1, 1)
    assert "1 of 1 failed again" in report.stopped
    assert office.statuses == ["NEW"] * 40


async def test_it_stops_when_more_than_half_of_a_wave_fail_again() -> None:
    office = Office(bad={2, 3, 4})
    await office.fill(40)

    report = await office.replay()

    assert (report.waves, report.replayed, report.failed) == (2, 6, 3)
    assert "3 of 5 failed again" in report.stopped


async def test_it_goes_on_when_few_fail_again_and_tries_none_twice() -> None:
    office = Office(bad={2, 3})
    await office.fill(10)

    report = await office.replay()

    assert (report.replayed, report.handled, report.failed, report.stopped) == (10, 8, 2, "")
    assert office.statuses.count("NEW") == 2


async def test_it_stops_when_nobody_handles_them() -> None:
    office = Office(running=False)
    await office.fill(10)

    report = await office.replay()

    assert (report.replayed, report.waiting) == (1, 1)
    assert "check that the consumer is running" in report.stopped


@pytest.mark.parametrize("rate", [1, 50])
async def test_it_keeps_to_the_rate(rate: float) -> None:
    office = Office()
    await office.fill(3)

    await office.replay(rate)

    assert [pause for pause in office.pauses if pause != 0.25] == [1 / rate] * 3


async def test_what_cannot_be_replayed_is_passed_over() -> None:
    office = Office()
    bare = Delivery(topic="t", partition=0, offset=1, key=None, value=b"?", headers={})
    async with office.unit_of_work.begin() as transaction:
        broken = DeadLetter(
            consumer=NAME, event_id=None, order_id=None, type=None, delivery=bare, attempts=1, error="Unreadable: ?"
        )
        await transaction.dead_letters.add([broken])
    await office.fill(2)

    report = await office.replay()

    assert (report.letters, report.replayed, report.handled, report.skipped, report.stopped) == (3, 2, 2, 1, "")


async def test_progress_is_told_and_nothing_is_well() -> None:
    office = Office()
    assert (await office.replay()).letters == 0

    await office.fill(2)
    await office.replay()

    assert office.reports >= 4
