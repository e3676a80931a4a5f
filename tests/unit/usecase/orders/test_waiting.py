from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from ordersys.domain.orders.order import Status
from ordersys.domain.payments import payment as domain
from ordersys.domain.payments.payment import PaymentStatus
from ordersys.entrypoint.consumers.subscriptions import subscribers
from ordersys.usecase.orders import views
from ordersys.usecase.orders.views import (
    AwaitingEvent,
    AwaitingGateway,
    AwaitingHandler,
    InboxView,
    OutboxParked,
    OutboxPending,
    OutboxView,
    PaymentView,
    Retrying,
    RetryView,
    TicketView,
    UnresolvedDeadLetter,
    WorkflowDeadLetter,
    WorkflowView,
    order_view,
)
from ordersys.usecase.orders.waiting import WaitingRules
from tests.fakes.clock import NOON
from tests.fakes.making import flight_id, order, rub

DEADLINE = timedelta(minutes=5)
ENDS = NOON + DEADLINE
SOON = NOON + timedelta(seconds=3)
CREATED = "ordersys.OrderCreated.v1"
DEAD = UnresolvedDeadLetter(
    consumer="payment-service",
    event=CREATED,
    event_id="e7",
    id="d1",
    attempts=5,
    error="ValueError: odd",
    until=ENDS,
    action="replay_dead_letter",
)
RULES = WaitingRules(subscribers=subscribers(), deadline=DEADLINE)


def flow(
    status: Status = Status.CREATED,
    *outbox: OutboxView,
    payment: PaymentView | None = None,
    tickets: Sequence[TicketView] = (),
    inbox: Sequence[InboxView] = (),
    retries: Sequence[RetryView] = (),
    letters: Sequence[WorkflowDeadLetter] = (),
) -> WorkflowView:
    return WorkflowView(
        order=order_view(order(status=status)),
        payment=payment,
        tickets=tickets,
        outbox=outbox,
        inbox=inbox,
        history=(),
        retries=retries,
        dead_letters=letters,
    )


def event(name: str = "OrderCreated", *, number: int = 7, status: str = "published", attempts: int = 0) -> OutboxView:
    view = OutboxView(
        id=number,
        event_id=f"e{number}",
        type=f"ordersys.{name}.v1",
        producer="p",
        occurred_at=NOON,
        status=status,
        attempts=attempts,
        correlation_id="",
        causation_id="",
        last_error="publish.drop" if attempts else None,
        next_attempt_at=SOON if attempts and status == "pending" else None,
    )
    return replace(view, topic="ordersys.orders", partition=3, offset=17) if status == "published" else view


def mark(consumer: str, number: int = 7, *, status: str = "processed") -> InboxView:
    return InboxView(consumer=consumer, event_id=f"e{number}", type="t", status=status, attempts=1)


def pay(status: str, *, attempts: int = 1, error: str | None = None) -> PaymentView:
    call, outcome = domain.CALLS.get(PaymentStatus(status)), domain.OUTCOMES.get(PaymentStatus(status))
    return PaymentView(
        status=status,
        method="pm_ok",
        amount=rub(1),
        attempts=attempts,
        awaiting=call.value if call else None,
        outcome=outcome.value if outcome else None,
        next_attempt_at=SOON if call else None,
        last_error=error,
    )


def ticket(status: str = "VALID") -> TicketView:
    return TicketView(number="1", flight_id=flight_id(1), seat="1A", status=status)


def letter(status: str = "NEW", *, consumer: str = "payment-service") -> WorkflowDeadLetter:
    return WorkflowDeadLetter(
        id="d1",
        consumer=consumer,
        event_id="e7",
        type=CREATED,
        status=status,
        attempts=5,
        error="ValueError: odd",
        created_at=NOON,
    )


def retry(attempts: int = 2) -> RetryView:
    return RetryView(
        consumer="payment-service",
        event_id="e7",
        type=CREATED,
        attempts=attempts,
        next_attempt_at=SOON,
        error="ValueError: odd",
    )


DONE = [
    flow(Status.COMPLETED, payment=pay("CAPTURED"), tickets=[ticket()]),
    flow(Status.CANCELLED, payment=pay("DECLINED")),
    flow(Status.CANCELLED, payment=pay("VOIDED")),
    flow(Status.CANCELLED, payment=pay("REFUNDED"), tickets=[ticket("VOIDED")]),
    flow(Status.REFUNDED, payment=pay("REFUNDED"), tickets=[ticket("VOIDED")]),
]


@pytest.mark.parametrize("done", DONE)
def test_what_has_ended_and_is_settled_waits_for_nothing(done: WorkflowView) -> None:
    assert RULES.waiting_for(done) is None


@pytest.mark.parametrize("done", DONE)
def test_nor_does_it_when_the_inbox_has_forgotten_it(done: WorkflowView) -> None:
    assert RULES.waiting_for(replace(done, outbox=[event(), event("OrderCancelled", number=8)])) is None


@pytest.mark.parametrize(("status", "attempts"), [("AUTHORIZED", 1), ("CAPTURING", 0), ("CAPTURING", 1)])
def test_a_completed_order_does_not_wait_for_a_capture_that_goes_its_way(status: str, attempts: int) -> None:
    done = flow(Status.COMPLETED, event("TicketIssued"), payment=pay(status, attempts=attempts), tickets=[ticket()])

    assert RULES.waiting_for(done) is None


def test_a_completed_order_waits_for_a_capture_that_fails() -> None:
    found = RULES.waiting_for(flow(Status.COMPLETED, payment=pay("CAPTURING", attempts=3, error="503")))

    assert found == AwaitingGateway(
        call="capture", status="CAPTURING", attempts=3, error="503", until=SOON, action=None
    )


def test_an_event_that_nobody_published_needs_a_worker() -> None:
    assert RULES.waiting_for(flow(Status.CREATED, event(status="pending"))) == OutboxPending(
        event=CREATED, event_id="e7", id=7, attempts=0, error=None, until=None, action="check_status"
    )


def test_an_event_that_could_not_be_published_is_tried_again_by_itself() -> None:
    assert RULES.waiting_for(flow(Status.CREATED, event(status="pending", attempts=4))) == OutboxPending(
        event=CREATED, event_id="e7", id=7, attempts=4, error="publish.drop", until=SOON, action=None
    )


def test_a_parked_event_is_moved_by_an_operator_or_ended_by_the_deadline() -> None:
    assert RULES.waiting_for(flow(Status.CREATED, event(status="parked", attempts=1))) == OutboxParked(
        event=CREATED, event_id="e7", id=7, attempts=1, error="publish.drop", until=ENDS, action="unpark"
    )


def test_a_published_event_waits_for_the_consumer_that_has_not_handled_it() -> None:
    assert RULES.waiting_for(flow(Status.CREATED, event())) == AwaitingHandler(
        consumer="payment-service",
        event=CREATED,
        event_id="e7",
        topic="ordersys.orders",
        partition=3,
        offset=17,
        until=ENDS,
        action="check_status",
    )


def test_of_several_consumers_the_one_that_is_missing_is_named() -> None:
    handled = [mark("order-service")]

    found = RULES.waiting_for(flow(Status.CREATED, event("PaymentAuthorized"), inbox=handled))

    assert isinstance(found, AwaitingHandler)
    assert (found.consumer, found.event) == ("ticket-service", "ordersys.PaymentAuthorized.v1")


def test_the_oldest_event_is_named_first() -> None:
    events = event("OrderCreated", number=1), event("OrderCancelled", number=2)

    found = RULES.waiting_for(flow(Status.CREATED, *events))

    assert isinstance(found, AwaitingHandler)
    assert (found.consumer, found.event_id) == ("payment-service", "e1")


def test_a_message_that_failed_is_tried_again_by_itself() -> None:
    inbox = [mark("payment-service", status="retrying")]

    assert RULES.waiting_for(flow(Status.CREATED, event(), inbox=inbox, retries=[retry()])) == Retrying(
        consumer="payment-service",
        event=CREATED,
        event_id="e7",
        attempts=2,
        error="ValueError: odd",
        until=SOON,
        action=None,
    )


def test_a_dead_letter_is_moved_by_a_replay() -> None:
    inbox = [mark("payment-service", status="dead")]

    assert RULES.waiting_for(flow(Status.CREATED, event(), inbox=inbox, letters=[letter()])) == DEAD


@pytest.mark.parametrize("status", ["REPLAYED", "DISCARDED"])
def test_a_dead_letter_that_was_dealt_with_is_none(status: str) -> None:
    found = RULES.waiting_for(flow(Status.CREATED, event(), letters=[letter(status)]))

    assert found == AwaitingEvent(until=ENDS, action=None)


def test_a_standstill_is_told_before_what_is_on_its_way() -> None:
    stuck = flow(
        Status.CREATED, event(status="pending"), payment=pay("REQUESTED"), retries=[retry()], letters=[letter()]
    )

    found = RULES.waiting_for(stuck)

    assert found == DEAD


@pytest.mark.parametrize("done", DONE)
def test_an_order_that_has_ended_still_tells_of_its_dead_letters_and_retries(done: WorkflowView) -> None:
    for more in (replace(done, dead_letters=[letter()]), replace(done, retries=[retry()])):
        assert RULES.waiting_for(more)


@pytest.mark.parametrize(
    ("status", "call"), [("REQUESTED", "authorize"), ("VOIDING", "release"), ("REFUNDING", "release")]
)
def test_a_payment_waits_for_the_gateway(status: str, call: str) -> None:
    found = RULES.waiting_for(flow(Status.CREATED, payment=pay(status, attempts=2, error="no answer")))

    assert isinstance(found, AwaitingGateway)
    assert (found.call, found.status, found.attempts, found.error) == (call, status, 2, "no answer")
    assert (found.until, found.action) == (SOON, None)


def test_a_call_that_is_under_way_is_asked_again_when_its_lease_runs_out() -> None:
    found = RULES.waiting_for(flow(Status.CREATED, payment=pay("REQUESTED")))

    assert isinstance(found, AwaitingGateway)
    assert (found.attempts, found.error, found.until) == (1, None, SOON)


def test_a_call_that_nobody_has_made_needs_the_payment_role() -> None:
    found = RULES.waiting_for(flow(Status.CREATED, payment=pay("REQUESTED", attempts=0)))

    assert isinstance(found, AwaitingGateway)
    assert (found.attempts, found.action) == (0, "check_status")


@pytest.mark.parametrize("status", [Status.CREATED, Status.PAYMENT_AUTHORIZED])
def test_with_nothing_on_its_way_the_deadline_ends_the_order(status: Status) -> None:
    found = RULES.waiting_for(flow(status, payment=pay("AUTHORIZED")))

    assert found == AwaitingEvent(until=ENDS, action=None)


def test_a_refund_with_nothing_on_its_way_is_for_the_audit() -> None:
    found = RULES.waiting_for(flow(Status.REFUND_PENDING, payment=pay("CAPTURED"), tickets=[ticket("VOIDED")]))

    assert found == AwaitingEvent(until=None, action="audit")


@pytest.mark.parametrize("payment", [None, pay("AUTHORIZED"), pay("CAPTURED"), pay("VOIDING")])
def test_a_cancelled_order_waits_until_its_money_is_given_up(payment: PaymentView | None) -> None:
    found = RULES.waiting_for(flow(Status.CANCELLED, event("OrderCancelled"), payment=payment))

    assert found
    assert found.until in (None, SOON)


def test_a_cancelled_order_waits_until_its_tickets_are_void() -> None:
    cancelled = flow(Status.CANCELLED, event("OrderCancelled"), payment=pay("VOIDED"), tickets=[ticket()])

    found = RULES.waiting_for(replace(cancelled, inbox=[mark("payment-service")]))

    assert isinstance(found, AwaitingHandler)
    assert (found.consumer, found.event) == ("ticket-service", "ordersys.OrderCancelled.v1")


def test_views_name_calls_and_outcomes_as_the_payments_context_does() -> None:
    assert set(get_args(views.GatewayCallName)) == set(domain.Call)
    assert set(get_args(views.PaymentOutcomeName)) == set(domain.PaymentOutcome)
