"""The judgement over a stack that was mistreated: its own audit, with topics and ledgers, and no grace."""

import json
from typing import Any

from tests.e2e.stack import Stack
from tests.waiting import eventually_blocking

WITHIN = 30.0


def wrong(stack: Stack, *ledgers: str) -> dict[str, list[str]]:
    """Empty when all is well, else some examples of each thing that is wrong. What is under way may end before."""
    last: dict[str, list[str]] = {}

    def sound() -> bool:
        nonlocal last
        last = broken(audit(stack, *ledgers))
        return not last

    try:
        eventually_blocking(sound, within=WITHIN)
    except AssertionError:
        return last
    return {}


def audit(stack: Stack, *ledgers: str) -> dict[str, Any]:
    """What `ordersys audit` says when nothing may be under way any more."""
    chosen = [word for ledger in ledgers for word in ("--ledger", ledger)]
    done = stack.run("audit", "--json", "--grace", "0", *chosen, within=300)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert verdict["holds"] is (done.returncode == 0)
    return verdict


def lost(stack: Stack, accepted: list[str]) -> list[str]:
    """Orders that a client was promised and the database does not know."""
    rows = stack.query("SELECT CAST(id AS text) AS id FROM orders WHERE id = ANY(CAST(:ids AS uuid[]))", ids=accepted)
    return sorted(set(accepted) - {row.id for row in rows})


def broken(verdict: dict[str, Any]) -> dict[str, list[str]]:
    found = {
        finding["name"]: [f"{one['subject']}: {one['reason']}" for one in finding["examples"]]
        for finding in verdict["findings"]
        if finding["violations"]
    }
    letters = verdict["facts"]["dead_letters_new"]
    return found | ({"dead letters": [str(letters)]} if letters else {})
