"""When is a member stuck, and when does it only wait?"""

from collections.abc import Mapping
from typing import Any

import pytest

from ordersys.infrastructure.kafka.workarounds import LOST_SECONDS, Membership

STEADY = {"state": "up", "join_state": "steady", "assignment_size": 2}
UNUSED = STEADY | {"assignment_size": 0}
JOINING = {"state": "up", "join_state": "wait-join", "assignment_size": 0}
NO_COORDINATOR = {"state": "query-coord", "join_state": "steady", "assignment_size": 2}
COORDINATOR = {"GroupCoordinator": {"nodeid": -1, "state": "UP", "source": "logical"}}
AWAY = {"kafka:9092/1": {"nodeid": 1, "state": "TRY_CONNECT", "source": "learned"}}
HERE = {"kafka:9092/1": {"nodeid": 1, "state": "UP", "source": "learned"}}


@pytest.fixture
def membership() -> Membership:
    return Membership("order-service")


def seen(
    membership: Membership, group: Mapping[str, Any], now: float, *, brokers: Mapping[str, Any] = COORDINATOR | HERE
) -> str:
    return membership.seen({"cgrp": group, "brokers": brokers}, now=now)


def test_a_steady_member_is_never_lost(membership: Membership) -> None:
    assert [seen(membership, STEADY, second) for second in range(100)] == [""] * 100


@pytest.mark.parametrize("group", [JOINING, NO_COORDINATOR, {}])
def test_a_member_that_waits_for_too_long_is_lost(membership: Membership, group: Mapping[str, Any]) -> None:
    assert seen(membership, group, 0) == ""
    assert seen(membership, group, LOST_SECONDS - 1) == ""

    assert "order-service has not got on for 20 s" in seen(membership, group, LOST_SECONDS)


def test_a_member_that_cannot_read_what_it_owns_is_lost_though_its_coordinator_answers(membership: Membership) -> None:
    seen(membership, STEADY, 0, brokers=COORDINATOR | AWAY)

    assert "TRY_CONNECT" in seen(membership, STEADY, LOST_SECONDS, brokers=COORDINATOR | AWAY)


def test_a_member_that_owns_nothing_needs_no_broker(membership: Membership) -> None:
    answers = [seen(membership, UNUSED, second, brokers=COORDINATOR | AWAY) for second in range(100)]

    assert answers == [""] * 100


def test_a_member_that_got_its_place_in_time_has_all_the_time_again(membership: Membership) -> None:
    seen(membership, JOINING, 0)
    seen(membership, STEADY, LOST_SECONDS - 1)
    seen(membership, JOINING, LOST_SECONDS)

    assert seen(membership, JOINING, 2 * LOST_SECONDS - 1) == ""
    assert seen(membership, JOINING, 2 * LOST_SECONDS) != ""


def test_while_no_broker_answers_nobody_is_lost(membership: Membership) -> None:
    seen(membership, JOINING, 0)
    assert seen(membership, JOINING, LOST_SECONDS, brokers=AWAY) == ""

    assert seen(membership, JOINING, LOST_SECONDS + 1) == ""


def test_a_member_that_knows_no_broker_is_lost_sooner(membership: Membership) -> None:
    seen(membership, NO_COORDINATOR, 0, brokers=COORDINATOR)

    assert "order-service: the client has known no broker" in seen(membership, NO_COORDINATOR, 3, brokers=COORDINATOR)
