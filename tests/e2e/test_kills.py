"""kill -9 of each role and each server, twice, under 100 orders a second with one publish in five dropped."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from time import monotonic
from typing import Any, Final

import pytest

from ordersys.bootstrap.supervision.children import ChildState
from tests.e2e.stack import ORDERSYS, Stack
from tests.e2e.verdict import lost, wrong
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.timeout(600)

RATE: Final = 100
SECONDS: Final = 80
ROLES: Final = ("api", "worker", "consumer", "payment", "ticket")
SERVERS: Final = ("postgres", "kafka", "valkey")
# What a dead process had sent just before is still on its way for a moment.
SETTLED: Final = timedelta(milliseconds=50)
ROLE_RECOVERS_WITHIN: Final = 2.0

# Proof that the victim's own work goes on: something of it that is younger than the kill.
INBOX: Final = "SELECT min(processed_at) AS at FROM inbox_events WHERE consumer = '{}' AND processed_at > :since"
ORDERED: Final = "SELECT min(created_at) AS at FROM orders WHERE created_at > :since"
PUBLISHED: Final = "SELECT min(published_at) AS at FROM outbox_archive WHERE published_at > :since"
SIGNS: Final = {
    "api": ORDERED,
    "worker": PUBLISHED,
    "consumer": INBOX.format("order-service"),
    "payment": INBOX.format("payment-service"),
    "ticket": INBOX.format("ticket-service"),
    "postgres": ORDERED,
    "kafka": PUBLISHED,
}


@dataclass(slots=True)
class Recoveries:
    """Seconds from each kill to the first sign of life."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def report(self) -> str:
        lines = (f"{name:9} " + "  ".join(f"{s:5.2f} s" for s in all_) for name, all_ in self.seconds.items())
        return "recovered after kill -9:\n" + "\n".join(lines)


def test_kills_lose_nothing_and_do_nothing_twice(stack: Stack) -> None:
    recoveries = Recoveries()
    command = [*ORDERSYS, "load", "--rate", str(RATE), "--duration", str(SECONDS), "--json", "--ledger", "ledger.jsonl"]
    with subprocess.Popen(command, cwd=stack.folder, stdout=subprocess.PIPE, text=True) as load:
        eventually_blocking(lambda: stack.query("SELECT 1 FROM orders WHERE status = 'COMPLETED' LIMIT 1"), within=30)
        loading = _loading()
        for victim in (*ROLES, *SERVERS) * 2:
            recoveries.seconds.setdefault(victim, []).append(_kill(stack, victim))
        assert load.poll() is None, "the load must outlast the kills"
        output, _ = load.communicate(timeout=300)
    sys.stdout.write(recoveries.report())
    _judge(stack, json.loads(output))
    roles = [seconds for role in ROLES for seconds in recoveries.seconds[role]]
    assert median(roles) < max(ROLE_RECOVERS_WITHIN, 3 * loading), f"{recoveries.report()}\nloading: {loading:.2f} s"


def test_everything_killed_at_once_comes_back_with_the_next_up(stack: Stack) -> None:
    command = [*ORDERSYS, "load", "--rate", "50", "--duration", "3", "--json", "--no-wait", "--ledger", "burst.jsonl"]
    subprocess.run(command, cwd=stack.folder, check=True, timeout=60, stdout=subprocess.DEVNULL)
    supervisor = json.loads((stack.folder / ".ordersys" / "state.json").read_text())["pid"]
    for pid in (supervisor, *(service.pid for service in stack.services().values())):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    stack.up()
    accepted = _accepted(stack, "burst.jsonl")
    assert accepted
    _await_end(stack)
    assert lost(stack, accepted) == []
    assert wrong(stack, "burst.jsonl") == {}


def _loading() -> float:
    """Seconds that this machine, as busy as it is now, takes to load a role's code: no restart can be faster."""
    began = monotonic()
    subprocess.run([sys.executable, "-c", "import ordersys.bootstrap.roles"], check=True, timeout=60)
    return monotonic() - began


def _kill(stack: Stack, victim: str) -> float:
    """Seconds until the victim's work went on."""
    before = stack.kill(victim)
    killed_at = datetime.now(UTC)
    eventually_blocking(lambda: _is_back(stack, before), within=30, what=f"{victim} is back")
    if victim not in SIGNS:
        return (datetime.now(UTC) - killed_at).total_seconds()
    since = killed_at + SETTLED
    signs = eventually_blocking(lambda: _seen(stack, SIGNS[victim], since), within=30, what=f"a sign of {victim}")
    return float((signs - killed_at).total_seconds())


def _is_back(stack: Stack, before: ChildState) -> bool:
    now = stack.services().get(before.name)
    return now is not None and now.ready and now.restarts == before.restarts + 1


def _seen(stack: Stack, statement: str, since: datetime) -> Any:
    return stack.query(statement, since=since)[0].at


def _judge(stack: Stack, report: dict[str, Any]) -> None:
    accepted = _accepted(stack, "ledger.jsonl")
    assert report["accepted"] == len(accepted) == RATE * SECONDS, report
    assert report["unfinished"] == [], report
    _await_end(stack)
    assert lost(stack, accepted) == []
    assert wrong(stack, "ledger.jsonl") == {}


def _await_end(stack: Stack) -> None:
    open_orders = "SELECT 1 FROM orders WHERE status NOT IN ('COMPLETED', 'CANCELLED') UNION ALL SELECT 1 FROM outbox"
    eventually_blocking(lambda: not stack.query(f"{open_orders} LIMIT 1"), within=60, what="every order has ended")


def _accepted(stack: Stack, ledger: str) -> list[str]:
    lines = (json.loads(line) for line in (stack.folder / ledger).read_text().splitlines())
    return [line["order_id"] for line in lines if line["order_id"]]
