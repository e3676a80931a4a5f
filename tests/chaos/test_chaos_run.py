"""The short run: every fault of the rig at least once, on a stack of its own, and everything killed at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from typing import Final

import pytest

from ordersys.config import ROLES, KafkaSettings
from tests.chaos.__main__ import complete
from tests.chaos.faults import FAULTS
from tests.chaos.report import Run
from tests.chaos.run import DOUBLED, Rig
from tests.chaos.schedule import Counts
from tests.chaos.system import System
from tests.chaos.traffic import Traffic
from tests.e2e.stack import ORDERSYS, Stack
from tests.e2e.verdict import lost, wrong
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.timeout(600)

SHORT: Final = Counts(
    kills=2,
    stops=2,
    postgres_stops=1,
    postgres_kills=1,
    cuts=1,
    kafka_kills=1,
    kafka_stops=1,
    valkey_flushes=1,
    valkey_kills=1,
    rolls=1,
    outages=1,
    together=1,
)
RATE: Final = 100
SEED: Final = 7
STOPPED: Final = {"SIGSTOP: worker", "SIGSTOP: consumer"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(folder=tmp_path_factory.mktemp("chaos"))
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def run(stack: Stack) -> Run:
    system = System(stack=stack, scale=DOUBLED)
    traffic = Traffic(system=system, rate=RATE, seed=SEED, within=600)
    return asyncio.run(complete(Rig(system=system, traffic=traffic, counts=SHORT, seed=SEED, say=_say)))


def test_no_fault_loses_an_order_or_does_anything_twice(run: Run) -> None:
    assert run.problems == []
    assert run.facts["accepted"] == run.facts["sent"] > 1000


def test_every_fault_was_tried_and_bit(run: Run) -> None:
    tried = {trial.row for trial in run.trials}
    per_role = {f"SIGKILL: {role}" for role in ROLES} | STOPPED

    assert tried == {name for name, fault in FAULTS.items() if not fault.per_role} | per_role
    assert all(trial.evidence and trial.in_flight for trial in run.trials)


def test_a_role_is_back_at_work_before_its_group_would_have_given_it_up(run: Run) -> None:
    killed = [trial for trial in run.trials if trial.row.startswith("SIGKILL: ")]
    seconds = [one for trial in killed for one in trial.recovery.values()]

    assert median(seconds) < KafkaSettings().session_timeout_seconds, killed


def test_everything_killed_at_once_comes_back_with_the_next_up(run: Run, stack: Stack) -> None:
    stack.up()
    command = [*ORDERSYS, "load", "--rate", "50", "--duration", "3", "--json", "--no-wait", "--ledger", "burst.jsonl"]
    subprocess.run(command, cwd=stack.folder, check=True, timeout=60, stdout=subprocess.DEVNULL)
    supervisor = json.loads((stack.folder / ".ordersys" / "state.json").read_text())["pid"]
    for pid in (supervisor, *(service.pid for service in stack.services().values())):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    stack.up()

    accepted = [json.loads(line)["order_id"] for line in (stack.folder / "burst.jsonl").read_text().splitlines()]
    assert accepted
    open_orders = "SELECT 1 FROM orders WHERE status NOT IN ('COMPLETED', 'CANCELLED') UNION ALL SELECT 1 FROM outbox"
    eventually_blocking(lambda: not stack.query(f"{open_orders} LIMIT 1"), within=60, what="every order has ended")
    assert lost(stack, [order for order in accepted if order]) == []
    assert wrong(stack, "burst.jsonl") == {}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
