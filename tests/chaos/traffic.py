"""The load: `ordersys load` as a process of its own, from before the first fault until after the last."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

from ordersys.workshop.load.ledger import read
from tests.chaos.signs import from_now_on
from tests.chaos.system import System
from tests.chaos.trial import until
from tests.e2e.stack import ORDERSYS

# The longest that the command takes; the rig ends it when the last fault is over, or well before its end.
DURATION: Final = 3600
RENEWED_AT: Final = 0.8
# No order shall be left of which nobody knows what became of it, however busy the machine is.
RETRY_WITHIN: Final = 300
ENDS_WITHIN: Final = RETRY_WITHIN + 30
FLOWS_WITHIN: Final = 90
FLOWING: Final = 50
LEDGER: Final = "ledger.jsonl"
# What one timetable has, and some to spare.
SEATS: Final = 120_000
TIMETABLES: Final = (2027, 2028)


class LoadFailed(AssertionError):
    """The load ended by itself or did not begin: nothing was proved."""


@dataclass(slots=True, kw_only=True)
class Traffic:
    """`within`: the most seconds that one process of the load sends for; a longer run has one after the other."""

    system: System
    rate: float
    seed: int
    within: float = DURATION
    reports: list[dict[str, Any]] = field(default_factory=list)
    _process: "subprocess.Popen[bytes] | None" = None
    _since: float = 0

    @property
    def folder(self) -> Path:
        return self.system.stack.folder

    @property
    def ledger(self) -> Path:
        return self.folder / LEDGER

    async def start(self) -> None:
        """Returns when orders flow."""
        if self.rate * self.within > SEATS:
            for number in TIMETABLES:
                await asyncio.to_thread(self.system.stack.run, "seed", "--number", str(number))
        await self._begin()

    async def go_on(self) -> None:
        """Between two trials: raises LoadFailed when the load has ended, begins another before it does."""
        self._check()
        if monotonic() - self._since > self.within * RENEWED_AT:
            await self.stop()
            await self._begin()

    async def stop(self) -> None:
        """Every order that was sent has been answered then; `reports` has what the load says of itself."""
        self._check()
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self._process.wait, ENDS_WITHIN)
        self.reports.append(json.loads((self.folder / "load.json").read_bytes()))

    def end(self) -> None:
        """In any case."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def _begin(self) -> None:
        flowing = await from_now_on(self.system, "api", but=FLOWING)
        number = len(self.reports)
        words = f"--rate {self.rate:g} --duration {self.within:g} --seed {self.seed + number} --no-wait --json"
        words += f" --retry-within {RETRY_WITHIN}"
        with (self.folder / "load.json").open("wb") as out, (self.folder / "load.err").open("ab") as err:
            command = [*ORDERSYS, "load", *words.split(), "--ledger", LEDGER]
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=err)

        async def flows() -> bool:
            self._check()
            return await flowing.seen()

        if not await until(flows, within=FLOWS_WITHIN, step=0.2):
            raise LoadFailed(f"no orders within {FLOWS_WITHIN} s: {self._said()}")
        self._since = monotonic()

    def _check(self) -> None:
        if self._process is None or self._process.poll() is not None:
            raise LoadFailed(f"the load ended before the faults did: {self._said()}")

    def _said(self) -> str:
        return (self.folder / "load.err").read_text()[-500:]


def accepted_at(ledger: Path) -> Sequence[float]:
    """When each accepted order was answered, in seconds since 1970, in order."""
    with ledger.open("rb") as file:
        lines = (json.loads(line) for line in file if line.endswith(b"\n"))
        return sorted(line["t_reply"] for line in lines if line["order_id"])


def accepted(ledger: Path) -> int:
    with ledger.open("rb") as file:
        return sum(1 for line in read(file, str(ledger)) if line.order_id)
