import signal

import pytest

from ordersys.workshop.stack.supervision.children import CALM_SECONDS, Backoff
from ordersys.workshop.stack.supervision.supervised_process import ended


def test_the_first_restart_is_fast_and_later_ones_wait_longer() -> None:
    backoff = Backoff()
    assert [backoff.delay(lived=1) for _ in range(8)] == [0.1, 0.2, 0.5, 1, 2, 5, 5, 5]


def test_a_calm_life_starts_the_delays_over() -> None:
    backoff = Backoff()
    for _ in range(4):
        backoff.delay(lived=1)
    assert backoff.delay(lived=CALM_SECONDS) == 0.1
    assert backoff.delay(lived=1) == 0.2


@pytest.mark.parametrize(
    ("code", "said"),
    [(2, "exit code 2"), (-signal.SIGKILL, "killed by SIGKILL"), (-200, "killed by signal 200")],
)
def test_an_exit_code_is_explained(code: int, said: str) -> None:
    assert ended(code) == said
