"""What a stranger does first: start, paste the printed example, look."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.e2e.verdict import wrong

pytestmark = pytest.mark.timeout(300)


def test_the_printed_example_buys_a_ticket(stack: Stack) -> None:
    printed = stack.up()
    example = printed[printed.index("  TOKEN=") : printed.index("\n\n", printed.index("  TOKEN="))]
    bin_folder = Path(sys.executable).parent
    (stack.folder / ".venv").symlink_to(bin_folder.parent)
    script = "\n".join(line.strip() for line in example.splitlines()) + '\necho "ORDER=$ORDER"'
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ORDERSYS__")}
    done = subprocess.run(
        ["bash", "-euc", script], cwd=stack.folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    order_id = done.stdout.rpartition("ORDER=")[2].strip()
    alice = stack.client("alice")
    order = alice.ended(order_id)
    assert order["status"] == "COMPLETED"
    assert [step["to_status"] for step in alice.get(f"/orders/{order_id}/workflow").json()["history"]] == [
        "CREATED",
        "PAYMENT_AUTHORIZED",
        "COMPLETED",
    ]


@pytest.mark.parametrize(
    ("method", "status", "calls"),
    [
        ("pm_ok", "COMPLETED", 1),
        ("pm_declined", "CANCELLED", 1),
        ("pm_slow", "COMPLETED", 1),
        ("pm_flaky", "COMPLETED", 3),
        ("pm_lost_answer", "COMPLETED", 2),
    ],
)
def test_a_demo_payment_method_behaves_as_promised(stack: Stack, method: str, status: str, calls: int) -> None:
    bob = stack.client("bob")
    placed = bob.order(_flight(stack), key=str(uuid.uuid4()), seats=2, method=method)
    assert placed.status_code == 201
    order = bob.ended(placed.json()["id"])
    assert order["status"] == status
    charge = stack.query("SELECT calls FROM gateway_charges WHERE key = :key", key=order["id"])
    assert [row.calls for row in charge] == [calls]
    assert len(order["tickets"]) == (2 if status == "COMPLETED" else 0)


def test_an_order_can_be_watched_from_its_beginning_to_its_last_trace(stack: Stack) -> None:
    dora = stack.client("dora")
    order_id = dora.order(_flight(stack), key=str(uuid.uuid4()), method="pm_slow").json()["id"]
    events = list(dora.watch(order_id))
    flows = [content for kind, content in events if kind == "workflow"]

    assert [kind for kind, _ in events] == ["workflow"] * len(flows) + ["end"]
    statuses = [flow["order"]["status"] for flow in flows]
    assert sorted(set(statuses), key=statuses.index) == ["CREATED", "PAYMENT_AUTHORIZED", "COMPLETED"]
    assert flows[-1]["payment"]["status"] == "CAPTURED"
    assert all(event["status"] == "published" for event in flows[-1]["outbox"])
    assert flows[-1] == dora.get(f"/orders/{order_id}/workflow").json()


def test_without_a_page_it_is_told_why(stack: Stack) -> None:
    assert "No web page: there is no frontend/ here." in stack.run("status").stdout


def test_nothing_was_lost_or_done_twice(stack: Stack) -> None:
    assert wrong(stack) == {}


def test_a_second_up_finds_everything_again(stack: Stack) -> None:
    before = stack.query("SELECT count(*) AS orders FROM orders")[0].orders
    stack.down()
    stack.up()
    carol = stack.client("carol")
    assert stack.query("SELECT count(*) AS orders FROM orders")[0].orders == before
    assert carol.ended(carol.order(_flight(stack), key="again").json()["id"])["status"] == "COMPLETED"


def _flight(stack: Stack) -> str:
    rows = stack.query(
        "SELECT CAST(id AS text) AS id FROM flights WHERE departs_at > now() + interval '2 days' LIMIT 1"
    )
    return str(rows[0].id)
