"""Replay everything without doing harm: in growing waves, and no further when a wave shows that the cause is still
there.
"""

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
    """So far, or in the end. `stopped` says why it did not go on, "" if it went to the end."""

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
    """`patience`: seconds to wait for a wave's outcome."""

    replay: ReplayDeadLetters
    reads: DeadLetterReads
    pause: Pause
    patience: float

    async def execute(
        self, *, by: str, rate: float, consumer: str | None = None, progress: ReplayProgress = lambda _: None
    ) -> ReplayReport:
        """`rate`: letters per second at most. What fails again is not replayed a second time."""
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
        """Those that were replayed; the others cannot be, or were by somebody else."""
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
                return f"{fates[Fate.FAILED]} of {len(sent)} failed again: the cause is still there"
            if not report.waiting:
                return ""
            await self.pause(LOOK_SECONDS)
        return f"{report.waiting} had no outcome after {self.patience:g} s: does the consumer run?"


def _waves(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    size = 1
    while ids:
        yield ids[:size]
        ids, size = ids[size:], size * GROWTH
