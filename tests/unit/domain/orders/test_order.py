from itertools import product

import pytest

from ordersys.domain.orders.errors import IllegalMove
from ordersys.domain.orders.order import FINAL, PATHS, Move, Status, path

# The whole table, written a second time on purpose: a change of an order's life must be made in two places.
LEGAL = {
    (Status.CREATED, Move.AUTHORIZE): [Status.PAYMENT_AUTHORIZED],
    (Status.CREATED, Move.COMPLETE): [Status.PAYMENT_AUTHORIZED, Status.COMPLETED],
    (Status.CREATED, Move.CANCEL): [Status.CANCELLED],
    (Status.PAYMENT_AUTHORIZED, Move.AUTHORIZE): [],
    (Status.PAYMENT_AUTHORIZED, Move.COMPLETE): [Status.COMPLETED],
    (Status.COMPLETED, Move.AUTHORIZE): [],
    (Status.COMPLETED, Move.COMPLETE): [],
    (Status.CANCELLED, Move.CANCEL): [],
}
ILLEGAL = sorted(set(product(Status, Move)) - set(LEGAL))


@pytest.mark.parametrize(("status", "move"), LEGAL)
def test_a_legal_move_leads_along_its_path(status: Status, move: Move) -> None:
    assert list(path(status, move)) == LEGAL[status, move]


@pytest.mark.parametrize(("status", "move"), ILLEGAL)
def test_an_illegal_move_is_refused_with_both_names(status: Status, move: Move) -> None:
    with pytest.raises(IllegalMove, match=f"{status} cannot {move}"):
        path(status, move)


@pytest.mark.parametrize(("status", "move"), LEGAL)
def test_a_move_asked_for_again_is_a_no_op(status: Status, move: Move) -> None:
    end = LEGAL[status, move][-1] if LEGAL[status, move] else status

    assert path(end, move) == ()


def test_a_path_never_comes_back_to_a_status() -> None:
    assert all(len({status, *steps}) == 1 + len(steps) for (status, _), steps in PATHS.items())


def test_no_path_leads_out_of_a_cancelled_or_completed_order() -> None:
    left = [(status, move) for (status, move), steps in PATHS.items() if status in FINAL and steps]

    assert left == []
