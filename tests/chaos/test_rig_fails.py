"""A rig that cannot fail proves nothing: faults that do not bite, victims that do not recover, audits that find."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from ordersys.workshop.stack.supervision.children import ChildState
from tests.chaos import faults, freeze, trial
from tests.chaos.__main__ import complete
from tests.chaos.faults import FAULTS
from tests.chaos.run import Rig
from tests.chaos.schedule import Counts
from tests.chaos.system import IN_FLIGHT, OPEN_ORDERS, System
from tests.chaos.traffic import Traffic
from tests.chaos.trial import DidNotBite, DidNotRecover, Trial, run_trial
from tests.e2e.stack import Stack


@dataclass(slots=True, kw_only=True)
class Paper(System):
    """A system that is only told of: nothing happens to it unless the test says so."""

    running: dict[str, ChildState] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=lambda: {IN_FLIGHT: 5})
    done: dict[str, float] = field(default_factory=dict)
    struck: list[str] = field(default_factory=list)
    closed: bool = False
    # What becomes of a victim.
    dies: bool = False

    def states(self) -> Mapping[str, ChildState]:
        return self.running

    def healthy(self) -> bool:
        return True

    def calm(self, name: str) -> bool:
        return True

    def signal(self, name: str, sent: signal.Signals) -> ChildState:
        before = self.running[name]
        self.struck.append(name)
        if self.dies:
            self.running[name] = replace(before, pid=(before.pid or 0) + 1)
            with (self.stack.folder / ".ordersys" / "logs" / "supervisor.log").open("a") as log:
                log.write(f"{name} ended (killed by {sent.name}); restart 1 in 0.1 s\n")
        return before

    async def open(self) -> None:
        await self.proxy.start()

    async def close(self) -> None:
        self.closed = True
        await self.proxy.stop()

    async def rescale(self, **changes: int) -> None:
        """Nobody goes."""

    async def work(self, name: str) -> float | None:
        return self.done.get(name)

    async def metric(self, address: str, name: str) -> float | None:
        return self.answers.get(name)

    async def value(self, statement: str, *bound: object) -> Any:
        return self.answers.get(statement, 0)

    async def members(self, group: str) -> Mapping[str, int]:
        return dict(self.answers.get(group, {}))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "BITES_WITHIN", 0.2)
    monkeypatch.setattr(faults, "RECOVERS_WITHIN", 0.2)
    monkeypatch.setattr(faults, "OUTAGE_SECONDS", 0.2)
    monkeypatch.setattr(freeze, "HOLD_SECONDS", 0.2)
    monkeypatch.setattr(freeze, "LONGEST_SECONDS", 0.4)
    monkeypatch.setattr(freeze, "AWAKE_WITHIN", 0.2)
    monkeypatch.setattr(trial, "BUSY_WITHIN", 0.2)


@pytest.fixture
def system(tmp_path: Path) -> Paper:
    (tmp_path / ".ordersys" / "logs").mkdir(parents=True)
    paper = Paper(stack=Stack(folder=tmp_path), scale={})
    for name in ("api", "worker", "consumer", "postgres", "kafka", "valkey"):
        kind = "role" if name in {"api", "worker", "consumer"} else "server"
        paper.running[name] = ChildState(name=name, kind=kind, phase="ready", pid=os.getpid())  # type: ignore[arg-type]
    return paper


@pytest.mark.parametrize(
    ("fault", "victim"),
    [
        ("SIGKILL", "worker"),
        ("PostgreSQL: immediate shutdown", "postgres"),
        ("PostgreSQL: SIGKILL", "postgres"),
        ("Kafka: SIGKILL", "kafka"),
        ("Kafka: stop", "kafka"),
        ("Valkey: SIGKILL", "valkey"),
        ("rolling restart", "api"),
    ],
)
async def test_a_signal_that_ends_nothing_is_no_trial(system: Paper, fault: str, victim: str) -> None:
    with pytest.raises(DidNotBite, match=f"{victim} ended"):
        await run_trial(FAULTS[fault], system, [victim])
    assert system.struck == [victim]


async def test_postgres_that_died_of_something_else_is_no_immediate_shutdown(system: Paper) -> None:
    system.dies = True

    with pytest.raises(DidNotBite, match="received immediate shutdown request"):
        await run_trial(FAULTS["PostgreSQL: immediate shutdown"], system, ["postgres"])


async def test_a_fault_while_nothing_is_under_way_is_no_trial(system: Paper) -> None:
    system.answers[IN_FLIGHT] = 0

    with pytest.raises(DidNotBite, match="no work under way"):
        await run_trial(FAULTS["SIGKILL"], system, ["worker"])
    assert system.struck == []


async def test_a_process_that_came_back_and_does_nothing_has_not_recovered(system: Paper) -> None:
    system.dies, system.done["worker"] = True, 0

    with pytest.raises(DidNotRecover, match="work of worker"):
        await run_trial(FAULTS["SIGKILL"], system, ["worker"])


async def test_a_process_that_came_back_and_works_has_recovered(system: Paper) -> None:
    system.dies, system.done["worker"] = True, 1

    (found,) = await run_trial(FAULTS["SIGKILL"], system, ["worker"])

    assert (found.row, list(found.recovery), found.in_flight) == ("SIGKILL: worker", ["worker"], 5)


async def test_workers_that_stayed_are_no_outage(system: Paper) -> None:
    system.answers["ordersys_outbox_oldest_pending_seconds"] = 0.5  # more than the 0.2 that an outage is here

    with pytest.raises(DidNotBite, match="all workers stopped"):
        await run_trial(FAULTS["all workers stopped"], system, [])


async def test_an_outage_that_the_metrics_do_not_show_is_no_trial(system: Paper) -> None:
    del system.running["worker"]
    system.answers["ordersys_outbox_oldest_pending_seconds"] = 0.1

    with pytest.raises(DidNotBite, match="all workers stopped"):
        await run_trial(FAULTS["all workers stopped"], system, [])


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_commit_that_never_comes_is_no_cut(system: Paper, side: str) -> None:
    with pytest.raises(DidNotBite, match="_cut"):
        await run_trial(FAULTS[f"connection cut {side} COMMIT"], system, [])
    assert system.proxy.take("anybody") is None


@pytest.fixture
def sleeper(system: Paper) -> Iterator["subprocess.Popen[bytes]"]:
    """The worker, as a real process that can be stopped."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        system.running["worker"] = ChildState(name="worker", kind="role", phase="ready", pid=process.pid)
        yield process
        process.kill()


def _really(system: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Paper, "signal", System.signal)


async def test_a_frozen_worker_that_nobody_replaces_is_no_zombie(
    system: Paper, sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    _really(system, monkeypatch)
    system.answers[freeze.ALL_SHARDS_OTHERS] = False

    with pytest.raises(DidNotBite, match="nobody took over from worker"):
        await run_trial(FAULTS["SIGSTOP"], system, ["worker"])
    assert not freeze.stopped(sleeper.pid)


async def test_a_process_that_did_not_stand_still_was_not_frozen(
    system: Paper, sleeper: "subprocess.Popen[bytes]"
) -> None:
    system.answers[freeze.ALL_SHARDS_OTHERS] = True

    with pytest.raises(DidNotBite, match="did not stand still"):
        await run_trial(FAULTS["SIGSTOP"], system, ["worker"])


async def test_a_zombie_that_does_nothing_afterwards_has_not_recovered(
    system: Paper, sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    _really(system, monkeypatch)
    system.answers |= {freeze.ALL_SHARDS_OTHERS: True, freeze.SHARDS_OF: 32}
    system.done["worker"] = 7

    with pytest.raises(DidNotRecover, match="worker did nothing"):
        await run_trial(FAULTS["SIGSTOP"], system, ["worker"])


LINE = {"owner": "ann", "key": "k1", "status": 201, "order_id": "0197a0f0-0000-7000-8000-000000000001", "t_reply": 5.0}
ORDERS = "SELECT count(*) FROM orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Stack):
    """`ordersys audit` says this."""

    found: Mapping[str, Any]

    def run(self, *arguments: str, within: float = 60) -> "subprocess.CompletedProcess[str]":
        code = 0 if self.found["holds"] else 1
        return subprocess.CompletedProcess(arguments, code, stdout=json.dumps(self.found), stderr="")


def audited(*, violations: int = 0, letters: int = 0) -> dict[str, Any]:
    example = {"subject": "order 1", "reason": "is not there"}
    finding = {"name": "accepted_orders", "violations": violations, "examples": [example] * violations}
    facts = {"topic_records": 9, "topic_duplicates": 2, "dead_letters_new": letters}
    return {"holds": not violations, "findings": [finding], "facts": facts}


def rig(system: Paper, found: Mapping[str, Any]) -> Rig:
    system.stack = Judged(folder=system.stack.folder, found=found)
    traffic = Traffic(system=system, rate=100, seed=1)
    traffic.ledger.write_text(json.dumps(LINE) + "\n")
    system.answers[ORDERS] = 1
    one = Rig(system=system, traffic=traffic, counts=Counts(), seed=1)
    one.facts["accepted"] = 1
    return one


async def test_a_run_in_which_nothing_is_wrong_holds(system: Paper) -> None:
    one = rig(system, audited())
    await one.judge()

    assert one.problems == []
    assert (one.facts["events published"], one.facts["repeats"]) == (7, 2)


async def test_what_the_audit_finds_is_a_problem(system: Paper) -> None:
    one = rig(system, audited(violations=1))
    await one.judge()

    assert one.problems == ["accepted_orders: order 1: is not there"]


async def test_a_dead_letter_is_a_problem(system: Paper) -> None:
    one = rig(system, audited(letters=2))
    await one.judge()

    assert one.problems == ["dead letters: 2"]


@pytest.mark.parametrize("there", [0, 2])
async def test_an_order_too_few_or_too_many_is_a_problem(system: Paper, there: int) -> None:
    one = rig(system, audited())
    system.answers[ORDERS] = there
    await one.judge()

    assert one.problems == [f"1 orders accepted in the ledger, {there} in the database"]


@pytest.mark.parametrize("what", ["failed", "refused"])
def test_an_order_that_nobody_answered_or_took_is_a_problem(system: Paper, what: str) -> None:
    one = rig(system, audited())
    one.tell_of_load(
        [{"sent": 2, "accepted": 1, "retried": 0, "seconds": 1, "failed": {}, "refused": {}, what: {"x": 1}}]
    )

    assert one.problems == [f"orders {what}: {{'x': 1}}"]


async def test_a_run_that_is_cut_short_tells_what_it_has_and_does_not_hold(
    system: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = rig(system, audited())
    before = Trial(row="SIGKILL: api", began=4, ended=6, evidence="killed", in_flight=1, recovery={"api": 1.0})

    async def ends() -> None:
        one.trials.append(before)
        raise DidNotBite("nothing shows that it happened")

    monkeypatch.setattr(Rig, "run", lambda _: ends())
    run = await complete(one)

    assert not run.holds
    assert run.problems == ["cut short: DidNotBite: nothing shows that it happened"]
    assert [(row.fault, row.trials, row.accepted) for row in run.rows] == [("SIGKILL: api", 1, 1)]
    assert system.closed


async def test_orders_that_do_not_end_are_a_problem(system: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.chaos import run

    monkeypatch.setattr(run, "SETTLES_WITHIN", 0.1)
    one = rig(system, audited())
    system.answers |= {run.UNFINISHED: 3, OPEN_ORDERS: 3}
    await one.come_to_rest(monotonic())

    assert one.problems == ["3 orders are stuck"]


async def test_a_load_that_ended_by_itself_ends_the_run(system: Paper) -> None:
    from tests.chaos.traffic import LoadFailed

    traffic = Traffic(system=system, rate=100, seed=1)
    (system.stack.folder / "load.err").write_text("no flights")

    with pytest.raises(LoadFailed, match="no flights"):
        await asyncio.wait_for(traffic.go_on(), 5)
