"""The load: `ordersys load` as a process of its own, from before the first fault until after the last."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ordersys.load.ledger import read
from tests.chaos.system import System
from tests.chaos.trial import until
from tests.e2e.stack import ORDERSYS

# The longest that the command takes; the rig ends it when the last fault is over.
DURATION: Final = 3600
ENDS_WITHIN: Final = 120
FLOWS_WITHIN: Final = 90
FLOWING: Final = 50
LEDGER: Final = "ledger.jsonl"
# One timetable has 166,000 seats.
TIMETABLES: Final = (2027, 2028)


class LoadFailed(AssertionError):
    """The load ended by itself or did not begin: nothing was proved."""


@dataclass(slots=True, kw_only=True)
class Traffic:
    """`within`: the most seconds that it shall take (so that there are seats enough)."""

    system: System
    rate: float
    seed: int
    within: float = DURATION
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def folder(self) -> Path:
        return self.system.stack.folder

    @property
    def ledger(self) -> Path:
        return self.folder / LEDGER

    async def start(self) -> None:
        """Returns when orders flow."""
        if self.rate * self.within > 100_000:
            for number in TIMETABLES:
                await asyncio.to_thread(self.system.stack.run, "seed", "--number", str(number))
        words = f"--rate {self.rate:g} --duration {self.within:g} --seed {self.seed} --no-wait --json --ledger {LEDGER}"
        with (self.folder / "load.json").open("wb") as out, (self.folder / "load.err").open("wb") as err:
            command = [*ORDERSYS, "load", *words.split()]
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=err)
        if not await until(self._flows, within=FLOWS_WITHIN, step=0.2):
            raise LoadFailed(f"no orders within {FLOWS_WITHIN} s: {self._said()}")

    def check(self) -> None:
        if self._process is None or self._process.poll() is not None:
            raise LoadFailed(f"the load ended before the faults did: {self._said()}")

    async def stop(self) -> dict[str, Any]:
        """What it says of itself, after every order that it sent has been answered."""
        self.check()
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self._process.wait, ENDS_WITHIN)
        report: dict[str, Any] = json.loads((self.folder / "load.json").read_bytes())
        return report

    def end(self) -> None:
        """In any case."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def _flows(self) -> bool:
        self.check()
        return (await self.system.work("api") or 0) > FLOWING

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
