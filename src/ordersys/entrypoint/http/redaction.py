"""What customers are shown of failures: the class of an error without its text, and no action for operators.

Everything that shows an order or its workflow passes through here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from ordersys.entrypoint.http.tokens import Principal, is_operator
from ordersys.usecase.orders.views import (
    AwaitingEvent,
    AwaitingHandler,
    OrderPage,
    OrderView,
    OutboxView,
    PaymentView,
    Retrying,
    RetryView,
    UnresolvedDeadLetter,
    WaitingFor,
    WorkflowDeadLetter,
    WorkflowView,
)

Failure = TypeVar("Failure", RetryView, WorkflowDeadLetter)


def order_for(user: Principal, order: OrderView) -> OrderView:
    return order if is_operator(user) else _order(order)


def page_for(user: Principal, page: OrderPage) -> OrderPage:
    return page if is_operator(user) else replace(page, items=[_order(order) for order in page.items])


def workflow_for(user: Principal, workflow: WorkflowView) -> WorkflowView:
    return workflow if is_operator(user) else workflow_for_customer(workflow)


def workflow_for_customer(workflow: WorkflowView) -> WorkflowView:
    return replace(
        workflow,
        order=_order(workflow.order),
        payment=_payment(workflow.payment),
        outbox=[_outbox_row(row) for row in workflow.outbox],
        retries=_failures(workflow.retries),
        dead_letters=_failures(workflow.dead_letters),
        waiting_for=_waiting_for(workflow.waiting_for),
    )


def error_class(error: str) -> str:
    """Returns `CheckViolationError` for `CheckViolationError: new row for relation ...`."""
    return error.partition(":")[0]


def _order(order: OrderView) -> OrderView:
    return replace(order, payment=_payment(order.payment)) if order.payment and order.payment.last_error else order


def _payment(payment: PaymentView | None) -> PaymentView | None:
    if payment is None or payment.last_error is None:
        return payment
    return replace(payment, last_error=error_class(payment.last_error))


def _outbox_row(row: OutboxView) -> OutboxView:
    return row if row.last_error is None else replace(row, last_error=error_class(row.last_error))


def _failures(failures: Sequence[Failure]) -> Sequence[Failure]:
    return [replace(one, error=error_class(one.error)) for one in failures]


def _waiting_for(found: WaitingFor | None) -> WaitingFor | None:
    match found:
        case None:
            return None
        case AwaitingHandler() | AwaitingEvent():
            return replace(found, action=None)
        case Retrying() | UnresolvedDeadLetter():
            return replace(found, action=None, error=error_class(found.error))
        case _:
            return replace(found, action=None, error=found.error and error_class(found.error))
