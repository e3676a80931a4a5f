"""When is a member stuck, and when does it only wait?"""

from collections.abc import Mapping
from typing import Any

import pytest

from ordersys.infrastructure.kafka.membership import LOST_SECONDS, Membership

STEADY = {"state": "up", "join_state": "steady"}
JOINING = {"state": "up", "join_state": "wait-join"}
NO_COORDINATOR = {"state": "query-coord", "join_state": "steady"}


@pytest.fixture
def membership() -> Membership:
    return Membership("order-service")


def seen(membership: Membership, group: Mapping[str, Any], now: float, *, reached: bool = True) -> str:
    return membership.seen({"cgrp": group}, reached=reached, now=now)


def test_a_steady_member_is_never_lost(membership: Membership) -> None:
    assert [seen(membership, STEADY, second) for second in range(100)] == [""] * 100


@pytest.mark.parametrize("group", [JOINING, NO_COORDINATOR, {}])
def test_a_member_that_waits_for_too_long_is_lost(membership: Membership, group: Mapping[str, Any]) -> None:
    assert seen(membership, group, 0) == ""
    assert seen(membership, group, LOST_SECONDS - 1) == ""

    assert "order-service has not let this member in for 30 s" in seen(membership, group, LOST_SECONDS)


def test_a_member_that_got_its_place_in_time_has_all_the_time_again(membership: Membership) -> None:
    seen(membership, JOINING, 0)
    seen(membership, STEADY, LOST_SECONDS - 1)
    seen(membership, JOINING, LOST_SECONDS)

    assert seen(membership, JOINING, 2 * LOST_SECONDS - 1) == ""
    assert seen(membership, JOINING, 2 * LOST_SECONDS) != ""


def test_while_no_broker_is_reached_nobody_is_lost(membership: Membership) -> None:
    seen(membership, JOINING, 0)
    assert seen(membership, JOINING, LOST_SECONDS, reached=False) == ""

    assert seen(membership, JOINING, LOST_SECONDS + 1) == ""
