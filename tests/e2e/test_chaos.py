"""Rates that an operator sets reach the processes of all roles; a start begins with what it was told."""

import time
from functools import partial

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ordersys.config import ROLES
from tests.e2e.stack import Stack
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.timeout(300)
SECONDS = 2.0


def rate(stack: Stack, role: str, point: str) -> float | None:
    """What the process of this role strikes at now; None while it has not said."""
    text = httpx.get(stack.services()[role].address + "/metrics", timeout=2).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "ordersys_chaos_rate" and sample.labels == {"point": point}:
                return sample.value
    return None


def _has(stack: Stack, role: str, point: str, wanted: float) -> bool:
    return rate(stack, role, point) == wanted


def seconds_until(stack: Stack, point: str, wanted: float) -> float:
    """Until every role has it."""
    began = time.monotonic()
    for role in ROLES:
        left = max(SECONDS + 1 - (time.monotonic() - began), 0)
        eventually_blocking(partial(_has, stack, role, point, wanted), within=left, what=f"{role}: {wanted}")
    return time.monotonic() - began


def test_a_rate_set_on_the_command_line_holds_in_every_process_within_two_seconds(stack: Stack) -> None:
    done = stack.run("chaos", "set", "publish.drop", "0.6")
    assert done.returncode == 0, done.stderr
    assert seconds_until(stack, "publish.drop", 0.6) < SECONDS
    assert "0.6" in stack.run("chaos", "show").stdout


def test_a_new_start_begins_with_the_rate_it_is_told(stack: Stack) -> None:
    assert stack.run("chaos", "off").returncode == 0
    seconds_until(stack, "publish.drop", 0.0)
    stack.down()

    stack.up("--drop", "0.3")

    seconds_until(stack, "publish.drop", 0.3)
    (line,) = [one for one in stack.run("chaos", "show").stdout.splitlines() if one.startswith("publish.drop")]
    assert line.split()[1:4] == ["0.3", "0.3", "-"]
