"""`ordersys audit` as a person or a script uses it."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from ordersys.__main__ import cli
from tests.integration.audit_world import execute_blocking

ORDER = "00000000-0000-7000-8000-000000000001"
LOST_EVENT = f"""
    INSERT INTO orders VALUES ('{ORDER}', 'ann', 'CREATED', NULL, 'pm_ok', 1, 'RUB', now(), now())
"""  # noqa: S608 - constants only


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def audit(url: str, *arguments: str, kafka: str = "127.0.0.1:1") -> Result:
    env = {"ORDERSYS__POSTGRES__URL": url, "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": kafka}
    return CliRunner().invoke(cli, ["audit", *arguments], env=env)


def line(owner: str, order_id: str | None = None) -> str:
    fields = {"op": "place_order", "owner": owner, "key": "k", "status": 201, "order_id": order_id, "t_send": 1.5}
    return json.dumps(fields) + "\n"


def test_a_sound_system_ends_with_0_and_a_table(database_url: str) -> None:
    done = audit(database_url, "--no-topics")

    assert done.exit_code == 0, done.output
    assert "money_for_tickets" in done.output
    assert "invariants hold" in done.output
    assert "topics_complete" in done.output.partition("not checked")[2]


def test_a_broken_invariant_ends_with_1_and_its_reason(database_url: str) -> None:
    execute_blocking(database_url, LOST_EVENT)

    done = audit(database_url, "--no-topics", "--json")

    assert done.exit_code == 1
    verdict = json.loads(done.stdout)
    assert verdict["holds"] is False
    found = {finding["name"]: finding for finding in verdict["findings"] if finding["violations"]}
    assert found["order_created"]["examples"][0]["subject"] == ORDER
    assert ORDER in audit(database_url, "--no-topics").output


def test_a_ledger_is_held_against_the_orders(database_url: str, tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    lost = str(uuid4())
    first.write_text("")
    second.write_text(line("ann", lost) + '{"owner": "cut')

    done = audit(database_url, "--no-topics", "--ledger", str(first), "--ledger", str(second), "--json")

    (broken,) = [finding for finding in json.loads(done.stdout)["findings"] if finding["violations"]]
    assert (done.exit_code, broken["name"], broken["checked"]) == (1, "accepted_orders", 1)
    assert broken["examples"] == [{"subject": lost, "reason": "lost: accepted from ann under key k"}]


@pytest.mark.parametrize("text", ["no json\n", '{"owner": 1}\n', "\n"])
def test_what_is_no_ledger_ends_with_2(database_url: str, tmp_path: Path, text: str) -> None:
    ledger = tmp_path / "l.jsonl"
    ledger.write_text(text)

    done = audit(database_url, "--no-topics", "--ledger", str(ledger))

    assert done.exit_code == 2
    assert "l.jsonl, line 1: not a ledger line" in done.output


def test_absent_servers_end_with_2(database_url: str) -> None:
    no_database = audit("postgresql+asyncpg://nobody@127.0.0.1:1/none", "--no-topics")
    no_kafka = audit(database_url)

    assert (no_database.exit_code, no_kafka.exit_code) == (2, 2)
    assert "The audit could not run: postgres cannot be reached" in no_database.output
    assert "The audit could not run: kafka cannot be reached" in no_kafka.output


def test_wrong_use_ends_with_2(database_url: str) -> None:
    assert audit(database_url, "--ledger", "not-there").exit_code == 2
    assert audit(database_url, "--grace", "-1").exit_code == 2
