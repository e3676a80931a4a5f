"""The arithmetic of the results, and how a run ends that does not hold."""

from dataclasses import replace
from pathlib import Path

import pytest

from ordersys.config import ROLES
from tests.chaos.report import BEGIN, END, Run, bound, markdown, rank, rows, share, write_into
from tests.chaos.schedule import Counts, Shot, first_ready, shots
from tests.chaos.trial import Trial

TRIALS = [
    Trial(row="SIGKILL: api", began=10, ended=12, evidence="killed", in_flight=3, recovery={"api": 1.5}),
    Trial(
        row="SIGKILL: api",
        began=20,
        ended=23,
        evidence="killed",
        in_flight=7,
        recovery={"api": 2.5},
        facts={"backlog": 1200.0},
    ),
    Trial(row="SIGKILL: api", began=50, ended=51, evidence="killed", in_flight=1, recovery={"api": 0.5}),
    Trial(row="rolling restart", began=30, ended=40, evidence="two", in_flight=2, recovery={"a": 3.0, "b": 4.0}),
]
RUN = Run(
    date="2026-11-24",
    commit="abc",
    seed=1,
    machine="2 cores",
    seconds=120,
    rate=100,
    facts={"accepted": 12_000, "repeats": 5, "seconds until everything had ended": 1.25},
    rows=rows(TRIALS, [], []),
    trials=TRIALS,
)


def test_orders_and_repeats_count_for_the_fault_during_which_they_came() -> None:
    accepted, repeats = [9.0, 10.0, 11.9, 12.1, 22.0, 35.0], [13.0, 60.0]

    found = {row.fault: row for row in rows(TRIALS, accepted, repeats)}

    assert (found["SIGKILL: api"].accepted, found["rolling restart"].accepted) == (3, 1)
    # A little late, as the next pass of the relay is; a minute late it belongs to no trial.
    assert (found["SIGKILL: api"].repeats, found["rolling restart"].repeats) == (1, 0)


def test_recovery_is_told_as_measured() -> None:
    found = {row.fault: row for row in rows(TRIALS, [], [])}

    assert (found["SIGKILL: api"].recovery_p50, found["SIGKILL: api"].recovery_max) == (1.5, 2.5)
    assert (found["rolling restart"].recovery_p50, found["rolling restart"].recovery_max) == (3.0, 4.0)
    assert found["SIGKILL: api"].most_in_flight == 7
    assert rank([], 0.5) == 0


@pytest.mark.parametrize(("trials", "chance", "told"), [(0, 1, "100 %"), (2, 1, "100 %"), (100, 0.03, "3 %")])
def test_no_failure_in_so_many_trials_leaves_this_much_possible(trials: int, chance: float, told: str) -> None:
    assert bound(trials) == chance
    assert share(bound(trials)) == told


def test_small_probabilities_are_told_per_million() -> None:
    assert share(bound(200_000)) == "15 ppm"


def test_the_table_says_what_was_tried_and_what_it_proves() -> None:
    text = markdown(RUN)

    assert "| SIGKILL: api | 3 | 0 | 0 | 1,200 | 1.50 s | 2.50 s | 100 % |" in text
    assert "| **all** | **4** | **12,000** | **5** |" in text
    assert "| rolling restart | 1 | 0 | 0 |  | 3.00 s" in text
    assert "lost: 0" in text
    assert "per accepted order: 0.025 %" in text


def test_a_run_that_does_not_hold_does_not_say_that_nothing_was_lost() -> None:
    broken = replace(RUN, problems=["accepted_orders: one is missing"])

    assert not broken.holds
    assert broken.plain()["holds"] is False
    assert "lost: 0" not in markdown(broken)
    assert "accepted_orders: one is missing" in markdown(broken)


def test_the_table_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_into(document, "new")
    write_into(document, "newer")

    assert document.read_text() == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"


def test_a_document_without_a_place_for_results_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"text {END}")

    with pytest.raises(ValueError, match="no place"):
        write_into(document, "new")
    assert document.read_text() == f"text {END}"


def test_the_long_run_strikes_as_often_as_it_says_in_an_order_that_the_seed_draws() -> None:
    counts = Counts()
    drawn = shots(counts, 1)
    kills = [victim for shot in drawn if shot.fault == "SIGKILL" for victim in shot.victims]

    assert drawn == shots(counts, 1) != shots(counts, 2)
    assert {role: kills.count(role) for role in ROLES} == dict.fromkeys(ROLES, 100)
    assert all(len(set(shot.victims)) == len(shot.victims) for shot in drawn)
    assert sum(len(shot.victims) for shot in drawn if shot.fault == "SIGSTOP") == 50
    assert sum(shot.fault == "PostgreSQL: immediate shutdown" for shot in drawn) == 50


def test_victims_that_have_just_been_struck_are_left_alone_for_a_while() -> None:
    waiting = [Shot(fault="SIGKILL", victims=("api", "worker")), Shot(fault="SIGKILL", victims=("ticket",))]

    assert first_ready(waiting, {"api": 1, "ticket": 1}) == waiting[1]
    assert first_ready(waiting, {"api": 1, "worker": 2, "ticket": 1}) == waiting[0]
    assert first_ready(waiting, {}) is None
