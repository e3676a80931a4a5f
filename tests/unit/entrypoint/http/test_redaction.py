"""What is a customer shown of failures?"""

from dataclasses import replace

import pytest

from ordersys.domain.orders.order import Status
from ordersys.domain.shared.ids import CustomerId
from ordersys.entrypoint.http.redaction import error_class, order_for, page_for, workflow_for
from ordersys.entrypoint.http.tokens import Principal
from ordersys.usecase.orders.views import OrderPage, WorkflowView
from tests.unit.usecase.orders.test_waiting import RULES, event, flow, letter, pay, retry

SECRET = "host=10.0.0.7"
TEXT = f"CheckViolationError: new row violates seats_left: {SECRET}"
CUSTOMER = Principal(customer=CustomerId("ann"), roles=frozenset({"customer"}))
OPERATOR = Principal(customer=CustomerId("olga"), roles=frozenset({"customer", "operator"}))

PENDING = replace(event(status="pending", attempts=2), last_error=TEXT)
PARKED = replace(event(status="parked", attempts=2), last_error=TEXT)
DEAD = replace(letter(), error=TEXT)
RETRY = replace(retry(), error=TEXT)
FAILING = pay("REQUESTED", attempts=2, error=TEXT)
FAILURES = {
    "outbox_pending": flow(Status.CREATED, PENDING),
    "outbox_parked": flow(Status.CREATED, PARKED),
    "retrying": flow(Status.CREATED, retries=[RETRY]),
    "dead_letter": flow(Status.CREATED, letters=[DEAD]),
    "awaiting_gateway": flow(Status.CREATED, payment=FAILING),
}
WITHOUT_ERROR = {
    "awaiting_handler": flow(Status.CREATED, event()),
    "awaiting_event": flow(Status.REFUND_PENDING, payment=pay("CAPTURED")),
    "outbox_pending": flow(Status.CREATED, event(status="pending")),
    "awaiting_gateway": flow(Status.CREATED, payment=pay("REQUESTED", attempts=0)),
}


def explained(found: WorkflowView) -> WorkflowView:
    return RULES.explained(replace(found, order=replace(found.order, payment=found.payment)))


@pytest.mark.parametrize(("kind", "found"), FAILURES.items(), ids=FAILURES)
def test_customers_see_the_class_of_an_error(kind: str, found: WorkflowView) -> None:
    shown = workflow_for(CUSTOMER, explained(found))

    assert shown.waiting_for
    assert (shown.waiting_for.kind, shown.waiting_for.action) == (kind, None)
    assert getattr(shown.waiting_for, "error", None) == "CheckViolationError"
    assert SECRET not in repr(shown)
    assert "CheckViolationError" in repr(replace(shown, waiting_for=None))


@pytest.mark.parametrize(("kind", "found"), WITHOUT_ERROR.items(), ids=WITHOUT_ERROR)
def test_customers_see_no_action(kind: str, found: WorkflowView) -> None:
    whole = explained(found)

    shown = workflow_for(CUSTOMER, whole)

    assert whole.waiting_for
    assert (whole.waiting_for.kind, whole.waiting_for.action is None) == (kind, False)
    assert shown.waiting_for == replace(whole.waiting_for, action=None)
    assert (shown.order, shown.payment, list(shown.outbox)) == (whole.order, whole.payment, list(whole.outbox))


@pytest.mark.parametrize("found", [*FAILURES.values(), *WITHOUT_ERROR.values()])
def test_operators_see_everything(found: WorkflowView) -> None:
    whole = explained(found)

    assert workflow_for(OPERATOR, whole) == whole


def test_orders_are_redacted_like_workflows() -> None:
    order = explained(FAILURES["awaiting_gateway"]).order
    page = OrderPage(items=[order], next_cursor="next")

    assert order_for(OPERATOR, order) == order
    assert page_for(OPERATOR, page) == page
    for shown in (order_for(CUSTOMER, order), page_for(CUSTOMER, page).items[0]):
        assert shown == replace(order, payment=replace(FAILING, last_error="CheckViolationError"))
    assert page_for(CUSTOMER, page).next_cursor == "next"


def test_a_finished_workflow_waits_for_nothing() -> None:
    done = explained(flow(Status.COMPLETED, payment=pay("CAPTURED")))

    assert workflow_for(CUSTOMER, done).waiting_for is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ValueError: odd: really", "ValueError"), ("queue_full", "queue_full"), ("", "")],
)
def test_the_class_of_an_error_stands_before_its_first_colon(text: str, expected: str) -> None:
    assert error_class(text) == expected
