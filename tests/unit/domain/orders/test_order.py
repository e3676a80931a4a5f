from itertools import product

import pytest

from ordersys.domain.orders.errors import IllegalMove
from ordersys.domain.orders.order import FINAL, PATHS, Move, Status, path

# The whole table, written a second time on purpose: a change of an order's life must be made in two places.
S, M = Status, Move
LEGAL: dict[tuple[Status, Move], list[Status]] = {
    (S.CREATED, M.AUTHORIZE): [S.PAYMENT_AUTHORIZED],
    (S.CREATED, M.COMPLETE): [S.PAYMENT_AUTHORIZED, S.COMPLETED],
    (S.CREATED, M.CANCEL): [S.CANCELLED],
    (S.PAYMENT_AUTHORIZED, M.AUTHORIZE): [],
    (S.PAYMENT_AUTHORIZED, M.COMPLETE): [S.COMPLETED],
    (S.PAYMENT_AUTHORIZED, M.CANCEL): [S.CANCELLED],
    (S.COMPLETED, M.REQUEST_REFUND): [S.REFUND_PENDING],
    **{(S.COMPLETED, move): [] for move in (M.AUTHORIZE, M.COMPLETE)},
    **{(S.CANCELLED, move): [] for move in (M.AUTHORIZE, M.COMPLETE, M.CANCEL, M.REFUND)},
    (S.REFUND_PENDING, M.REFUND): [S.REFUNDED],
    **{(S.REFUND_PENDING, move): [] for move in (M.AUTHORIZE, M.COMPLETE, M.REQUEST_REFUND)},
    **{(S.REFUNDED, move): [] for move in (M.AUTHORIZE, M.COMPLETE, M.REQUEST_REFUND, M.REFUND)},
}
ILLEGAL = sorted(set(product(Status, Move)) - set(LEGAL))


@pytest.mark.parametrize(("status", "move"), LEGAL)
def test_a_legal_move_leads_along_its_path(status: Status, move: Move) -> None:
    assert list(path(status, move)) == LEGAL[status, move]


@pytest.mark.parametrize(("status", "move"), ILLEGAL)
def test_an_illegal_move_is_refused_with_both_names(status: Status, move: Move) -> None:
    with pytest.raises(IllegalMove, match=f"{status} does not allow {move.replace('_', ' ')}"):
        path(status, move)


@pytest.mark.parametrize(("status", "move"), LEGAL)
def test_a_move_asked_for_again_is_a_no_op(status: Status, move: Move) -> None:
    end = LEGAL[status, move][-1] if LEGAL[status, move] else status

    assert path(end, move) == ()


def test_a_path_never_comes_back_to_a_status() -> None:
    assert all(len({status, *steps}) == 1 + len(steps) for (status, _), steps in PATHS.items())


def test_only_a_refund_leads_out_of_an_order_that_has_ended() -> None:
    left = [(status, move) for (status, move), steps in PATHS.items() if status in FINAL and steps]

    assert left == [(Status.COMPLETED, Move.REQUEST_REFUND)]


@pytest.mark.parametrize("late", [Move.AUTHORIZE, Move.COMPLETE])
@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CREATED, Status.PAYMENT_AUTHORIZED}))
def test_a_payment_or_tickets_that_come_late_are_no_error(status: Status, late: Move) -> None:
    assert path(status, late) == ()
