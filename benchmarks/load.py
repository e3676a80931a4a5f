"""Runs the generator, or another process of ours, and reads the meters when it begins and ends to measure."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.database import Database
from benchmarks.generator import Outcome, Plan
from benchmarks.meters import Cost, Meters, cost, meters
from benchmarks.servers import ROOT
from benchmarks.world import Process, World, tokens

_RUNS: Final = count()


class Failed(Exception):
    """The generator ended without an outcome, or hardly anything was answered as it should be."""


@dataclass(slots=True, kw_only=True)
class Load:
    popen: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_for(self, word: str) -> None:
        if self.line().strip() != word.encode():
            raise Failed(f"the generator did not come to its {word}")

    def line(self) -> bytes:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline()

    def set_rate(self, rate: float) -> None:
        with suppress(BrokenPipeError):  # it ends by its own clock, and may have done so just now
            self.write(f"{rate:.1f}\n".encode())

    def write(self, line: bytes) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(line)
        self.popen.stdin.flush()

    def outcome(self) -> Outcome:
        line = self.line()
        if not line:
            raise Failed("the generator ended early")
        outcome = msgspec.json.decode(line, type=Outcome)
        if outcome.good < 0.99 * sum(outcome.answers.values()):
            raise Failed(f"answers by status: {outcome.answers}")
        return outcome


@contextmanager
def started(module: str, *arguments: str) -> Iterator[Load]:
    """A process of ours that tells `begin` and `end`, and then its outcome."""
    popen = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Load(popen=popen)
    finally:
        popen.terminate()
        popen.wait()


@contextmanager
def generating(plan: Plan) -> Iterator[Load]:
    with started("benchmarks.generator") as load:
        load.write(msgspec.json.encode(plan) + b"\n")
        yield load


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A world's API, or a peer of it, under load; `watched`: whose processor time is read besides the servers'."""

    world: World
    database: Database
    target: Process
    flights: list[str]
    watched: Mapping[str, Process] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=tokens)

    def plan(self, **how: Any) -> Plan:
        return Plan(port=self.target.port, tokens=self.tokens, flights=self.flights, run=f"run{next(_RUNS)}", **how)

    def meters(self, load: Load) -> Meters:
        return meters(self.database, self.world.servers, self.watched or {"api": self.target}, generator=load.pid)

    def measure(self, **how: Any) -> tuple[Outcome, Cost]:
        with generating(self.plan(**how)) as load:
            gauge = self.meters(load)
            load.wait_for("begin")
            before = gauge.read()
            load.wait_for("end")
            spent = cost(before, gauge.read())
            return load.outcome(), spent


def accepted(path: Path) -> list[tuple[str, float]]:
    """What the generator has written down: order, and when it was due in seconds since 1970."""
    lines = (line.split() for line in path.read_text().splitlines())
    return [(order_id, float(due)) for order_id, due in lines]
