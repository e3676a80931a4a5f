from itertools import product

import pytest

from ordersys.domain.payments.errors import IllegalPaymentMove
from ordersys.domain.payments.payment import (
    ANSWERED,
    ASKED,
    CALLS,
    GIVEN_UP,
    OUTCOMES,
    Authorized,
    Declined,
    Demand,
    Done,
    PaymentStatus,
    Settled,
    answered,
    asked,
)

P, D = PaymentStatus, Demand
OVER = (P.DECLINED, P.VOIDING, P.VOIDED, P.REFUNDING, P.REFUNDED)
ANSWERS: list[Settled] = [Authorized(authorization_id="a"), Declined(reason="r"), Done()]

# Both tables, written a second time on purpose: a change of a payment's life must be made in two places.
DEMANDS = {
    (P.REQUESTED, D.CANCEL): P.VOIDING,
    (P.AUTHORIZED, D.CAPTURE): P.CAPTURING,
    (P.AUTHORIZED, D.CANCEL): P.VOIDING,
    (P.AUTHORIZED, D.REFUND): P.REFUNDING,
    (P.CAPTURING, D.CAPTURE): P.CAPTURING,
    (P.CAPTURING, D.CANCEL): P.REFUNDING,
    (P.CAPTURING, D.REFUND): P.REFUNDING,
    (P.CAPTURED, D.CAPTURE): P.CAPTURED,
    (P.CAPTURED, D.CANCEL): P.REFUNDING,
    (P.CAPTURED, D.REFUND): P.REFUNDING,
    **{(status, demand): status for status, demand in product(OVER, D)},
}
SETTLED = {
    (P.REQUESTED, Authorized): P.AUTHORIZED,
    (P.REQUESTED, Declined): P.DECLINED,
    (P.CAPTURING, Done): P.CAPTURED,
    (P.VOIDING, Done): P.VOIDED,
    (P.REFUNDING, Done): P.REFUNDED,
}


@pytest.mark.parametrize(("status", "demand"), list(product(P, D)))
def test_a_demand_leads_where_the_table_says_or_is_refused(status: PaymentStatus, demand: Demand) -> None:
    if (status, demand) in DEMANDS:
        assert asked(status, demand) is DEMANDS[status, demand]
    else:
        with pytest.raises(IllegalPaymentMove, match=f"{status} does not allow {demand}"):
            asked(status, demand)


@pytest.mark.parametrize(("status", "answer"), list(product(P, ANSWERS)))
def test_an_answer_settles_what_was_asked_or_is_refused(status: PaymentStatus, answer: Settled) -> None:
    if (status, type(answer)) in SETTLED:
        assert answered(status, answer) is SETTLED[status, type(answer)]
    else:
        with pytest.raises(IllegalPaymentMove):
            answered(status, answer)


@pytest.mark.parametrize(("status", "demand"), ASKED)
def test_a_demand_made_again_changes_nothing(status: PaymentStatus, demand: Demand) -> None:
    assert asked(asked(status, demand), demand) is asked(status, demand)


def test_every_call_that_can_be_made_has_an_answer_that_ends_it() -> None:
    assert {status for status, _ in ANSWERED} == set(CALLS)
    assert set(ANSWERED.values()).isdisjoint(CALLS)


def test_a_payment_that_is_given_up_is_one_that_no_demand_changes() -> None:
    assert set(OVER) == GIVEN_UP


def test_a_payment_without_a_call_and_without_an_outcome_is_authorized() -> None:
    assert set(P) - set(CALLS) - set(OUTCOMES) == {P.AUTHORIZED}
    assert set(CALLS).isdisjoint(OUTCOMES)


@pytest.mark.parametrize("status", sorted(set(P) - set(OVER)))
def test_money_that_is_or_may_be_held_is_always_given_back_when_the_order_is_cancelled(status: PaymentStatus) -> None:
    assert asked(status, D.CANCEL) in {P.VOIDING, P.REFUNDING}
