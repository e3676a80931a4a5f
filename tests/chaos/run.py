"""The whole run: the stack under load, fault after fault, then quiet, then the audit."""

import asyncio
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

from tests.chaos.duplicates import repeats
from tests.chaos.faults import FAULTS
from tests.chaos.report import Run, rows
from tests.chaos.schedule import Counts, Shot, first_ready, shots
from tests.chaos.system import OPEN_ORDERS, System
from tests.chaos.traffic import Traffic, accepted, accepted_at
from tests.chaos.trial import Fault, Trial, run_trial, until
from tests.e2e.verdict import audit, broken

SETTLES_WITHIN: Final = 180.0
CALM_WITHIN: Final = 60.0
DOUBLED: Final = {"worker": 2, "consumer": 2, "payment": 2, "ticket": 2}
UNFINISHED: Final = """SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM inbox_retries)
    + (SELECT count(*) FROM orders WHERE status IN ('CREATED', 'PAYMENT_AUTHORIZED', 'REFUND_PENDING'))
    + (SELECT count(*) FROM payments WHERE next_attempt_at IS NOT NULL)"""


def quiet(_: str) -> None:
    """Tells nobody."""


def _commit_of_code() -> str:
    """Of the code that runs, marked when it is not as committed; `unknown` outside a repository."""
    here = Path(__file__).parent
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@dataclass(slots=True, kw_only=True)
class Rig:
    """`say` gets a line per trial. After `run`, also after one that failed, `results` tells what there is."""

    system: System
    traffic: Traffic
    counts: Counts
    seed: int
    say: Callable[[str], None] = quiet
    faults: "dict[str, Fault]" = field(default_factory=lambda: dict(FAULTS))
    trials: list[Trial] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    _chance: Random = field(init=False)
    _commit: str = field(default_factory=_commit_of_code)
    _began: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)

    async def run(self) -> None:
        """A fault that does not bite, or from which nothing recovers, ends it with AssertionError."""
        await self.system.open()
        await self.traffic.start()
        self._began = monotonic()
        await self.strike_all()
        await self.settle()
        await self.judge()

    async def strike_all(self) -> None:
        waiting = shots(self.counts, self.seed)
        of = len(waiting)
        while waiting:
            await self.traffic.go_on()
            shot = await self._next(waiting)
            waiting.remove(shot)
            done = await run_trial(self.faults[shot.fault], self.system, self._victims(shot))
            self.trials += done
            self.say(f"{of - len(waiting)}/{of} " + " | ".join(map(_line, done)))

    async def settle(self) -> None:
        """No more faults: everything comes to its end."""
        since = monotonic()
        await self.traffic.stop()
        self.tell_of_load(self.traffic.reports)
        await self.come_to_rest(since)

    async def come_to_rest(self, since: float) -> None:
        if not await until(self._at_rest, within=SETTLES_WITHIN):
            self.problems.append(f"{await self.system.value(OPEN_ORDERS)} orders are stuck")
        self.facts["seconds from the last fault until all sagas had ended"] = round(monotonic() - since, 1)

    def tell_of_load(self, reports: Sequence[Mapping[str, Any]]) -> None:
        for name in ("sent", "accepted", "retried"):
            self.facts[name] = sum(report[name] for report in reports)
        self.facts["accepted per second"] = round(self.facts["accepted"] / sum(one["seconds"] for one in reports), 1)
        for what in ("failed", "refused"):
            self.problems += [f"orders {what}: {report[what]}" for report in reports if report[what]]

    async def judge(self) -> None:
        """The ledger against the database, then the audit of everything."""
        promised, there = accepted(self.traffic.ledger), int(await self.system.value("SELECT count(*) FROM orders"))
        if not promised == there == self.facts["accepted"]:
            self.problems.append(f"{promised} orders accepted in the ledger, {there} in the database")
        since = monotonic()
        found = await asyncio.to_thread(audit, self.system.stack, self.traffic.ledger.name)
        self.facts["seconds of the audit"] = round(monotonic() - since, 1)
        self.problems += [f"{name}: {'; '.join(examples)}" for name, examples in broken(found).items()]
        self.facts["events published"] = found["facts"]["topic_records"] - found["facts"]["topic_duplicates"]
        self.facts["repeats"] = found["facts"]["topic_duplicates"]

    async def results(self) -> Run:
        """Of a run that was cut short: what it has."""
        ledger = self.traffic.ledger
        moments = accepted_at(ledger) if ledger.is_file() else ()
        return Run(
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            commit=self._commit,
            seed=self.seed,
            machine=machine(),
            seconds=round(monotonic() - self._began),
            rate=self.traffic.rate,
            facts=self.facts,
            rows=rows(self.trials, moments, await self._repeats()),
            trials=self.trials,
            problems=self.problems,
        )

    async def _repeats(self) -> Sequence[float]:
        if "repeats" not in self.facts:
            return ()
        return await repeats(self.system.states()["kafka"].address)

    async def _next(self, waiting: Sequence[Shot]) -> Shot:
        found: Shot | None = None

        async def ready() -> bool:
            nonlocal found
            found = first_ready(waiting, self._calm())
            return found is not None

        assert await until(ready, within=CALM_WITHIN), "nothing can be struck: no victim lives long enough"
        assert found is not None
        return found

    def _calm(self) -> dict[str, int]:
        """Of a role that a rolling restart would need, all its processes; here it is enough that one is."""
        roles = {role: sum(map(self.system.calm, self.system.instances(role))) for role in _ROLES}
        return roles | {server: int(self.system.calm(server)) for server in ("postgres", "kafka", "valkey")}

    def _victims(self, shot: Shot) -> list[str]:
        if shot.fault == "rolling restart":
            return list(self.system.roles())
        return [self._one(victim) for victim in shot.victims] or ["valkey"] * shot.fault.startswith("Valkey")

    def _one(self, victim: str) -> str:
        """A process of the role that has lived long enough."""
        calm = [name for name in self.system.instances(victim) if self.system.calm(name)]
        return self._chance.choice(sorted(calm)) if calm else victim

    async def _at_rest(self) -> bool:
        return int(await self.system.value(UNFINISHED)) == 0


_ROLES: Final = ("api", "worker", "consumer", "payment", "ticket")


def _line(trial: Trial) -> str:
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in trial.recovery.items())
    facts = "".join(f", {name} {value:g}" for name, value in trial.facts.items())
    return f"{trial.row}: {times}{facts}"


def machine() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {gigabytes:.0f} GB, {platform.system()}, Python {platform.python_version()}"
