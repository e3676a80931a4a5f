"""When is there nothing more to see of an order?"""

import pytest

from ordersys.domain.orders.order import Status
from ordersys.usecase.orders.views import WorkflowView
from ordersys.usecase.orders.waiting import ended
from tests.unit.usecase.orders.test_waiting import RULES, event, flow, mark, pay, ticket


def completed(payment: str, *marks: str, status: str = "published") -> WorkflowView:
    inbox = [mark(consumer) for consumer in marks]
    return flow(Status.COMPLETED, event("TicketIssued", status=status), payment=pay(payment), inbox=inbox)


BOTH = ("order-service", "payment-service")


def test_an_order_is_at_rest_when_the_money_is_there_and_everybody_knows() -> None:
    assert RULES.at_rest(completed("CAPTURED", *BOTH))


@pytest.mark.parametrize(
    "seen",
    [
        completed("CAPTURING", *BOTH),
        completed("AUTHORIZED", "order-service"),
        completed("CAPTURED", "order-service"),
        completed("CAPTURED", status="pending"),
        flow(Status.CREATED, payment=pay("REQUESTED")),
        flow(Status.REFUND_PENDING, payment=pay("CAPTURED")),
    ],
)
def test_an_order_with_something_on_its_way_is_not_at_rest(seen: WorkflowView) -> None:
    assert not RULES.at_rest(seen)


def test_a_cancelled_order_is_at_rest_when_nothing_is_held() -> None:
    assert RULES.at_rest(flow(Status.CANCELLED, payment=pay("VOIDED")))
    assert not RULES.at_rest(flow(Status.CANCELLED, payment=pay("VOIDED"), tickets=[ticket("VALID")]))


def test_a_final_status_alone_is_no_end() -> None:
    assert ended(flow(Status.COMPLETED))
    assert not ended(flow(Status.REFUND_PENDING))
