"""Replays all dead letters safely: in growing waves, and only until a wave shows that the cause persists."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ordersys.usecase.dead_letters.ports import DeadLetterReads, Fate
from ordersys.usecase.dead_letters.resolve_dead_letters import ReplayDeadLetters, Resolution

GROWTH: Final = 5
LOOK_SECONDS: Final = 0.25

Pause = Callable[[float], Awaitable[None]]
ReplayProgress = Callable[["ReplayReport"], None]


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """The progress or the result of a replay. `stopped`: why it stopped early; "" if it completed."""

    letters: int
    waves: int = 0
    replayed: int = 0
    handled: int = 0
    failed: int = 0
    waiting: int = 0
    skipped: int = 0
    stopped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAllDeadLetters:
    """`patience`: seconds to wait for the outcome of a wave."""

    replay: ReplayDeadLetters
    reads: DeadLetterReads
    pause: Pause
    patience: float

    async def execute(
        self, *, by: str, rate: float, consumer: str | None = None, progress: ReplayProgress = lambda _: None
    ) -> ReplayReport:
        """`rate`: maximum number of dead letters per second. A dead letter that fails again is not replayed twice."""
        ids = await self.reads.new(consumer)
        report = ReplayReport(letters=len(ids))
        for wave in _waves(ids):
            report.waves += 1
            sent = await self._send(wave, by, rate, report, progress)
            report.stopped = await self._outcome(sent, report, progress)
            if report.stopped:
                break
        return report

    async def _send(
        self, wave: Sequence[UUID], by: str, rate: float, report: ReplayReport, progress: ReplayProgress
    ) -> Sequence[UUID]:
        """Returns the replayed ones; the others cannot be replayed, or were replayed by another operator."""
        sent: list[UUID] = []
        for dead_letter_id in wave:
            verdict = (await self.replay.execute([dead_letter_id], by=by))[dead_letter_id]
            if verdict is Resolution.DONE:
                sent.append(dead_letter_id)
                await self.pause(1 / rate)
            else:
                report.skipped += 1
            report.replayed += verdict is Resolution.DONE
            progress(report)
        return sent

    async def _outcome(self, sent: Sequence[UUID], report: ReplayReport, progress: ReplayProgress) -> str:
        handled, failed = report.handled, report.failed
        for _ in range(max(int(self.patience / LOOK_SECONDS), 1)):
            fates = Counter((await self.reads.fates(sent)).values())
            report.handled = handled + fates[Fate.HANDLED]
            report.failed = failed + fates[Fate.FAILED]
            report.waiting = fates[Fate.WAITING]
            progress(report)
            if fates[Fate.FAILED] * 2 > len(sent):
                return f"{fates[Fate.FAILED]} of {len(sent)} failed again; the cause persists."
            if not report.waiting:
                return ""
            await self.pause(LOOK_SECONDS)
        return f"{report.waiting} had no outcome after {self.patience:g} s; check that the consumer is running."


def _waves(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    size = 1
    while ids:
        yield ids[:size]
        ids, size = ids[size:], size * GROWTH
