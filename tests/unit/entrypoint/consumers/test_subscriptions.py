from typing import Final

import pytest

from ordersys.domain.orders.events import OrderCancelled, RefundRequested
from ordersys.domain.orders.order import Move
from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined, PaymentRefunded, PaymentVoided
from ordersys.domain.payments.payment import Charge, Demand
from ordersys.domain.shared.event import Event
from ordersys.domain.tickets.events import TicketIssued, TicketRejected, TicketVoided
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, streams_of, types_of
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, STREAMS, TICKET_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrder
from ordersys.usecase.payments.change_payments import ChangePayment
from ordersys.usecase.payments.request_payments import RequestPayment
from ordersys.usecase.tickets.issue_tickets import IssueTicket
from ordersys.usecase.tickets.void_tickets import VoidTicket
from tests.fakes.making import event_id, message, order_created, order_id, rub

AUTHORIZED: Final = PaymentAuthorized(order_id=order_id(1), amount=rub(1000), authorization_id="auth_1")
DECLINED: Final = PaymentDeclined(order_id=order_id(1), reason="card_declined")
ISSUED: Final = TicketIssued(order_id=order_id(1), tickets=())
REJECTED: Final = TicketRejected(order_id=order_id(1), reason="refused_by_airline")
VOIDED: Final = TicketVoided(order_id=order_id(1), numbers=())
CANCELLED: Final = OrderCancelled(order_id=order_id(1), total=rub(1000), payment_method="pm_ok", reason="r")
REFUND: Final = RefundRequested(order_id=order_id(1), reason="r")


def command(consumer: str, event: Event) -> object:
    """What `consumer` makes of event number 5."""
    (subscription,) = (one for one in SUBSCRIPTIONS[consumer] if isinstance(event, one.event))
    return subscription.command(event, message(5, event=event))


CAUSED: Final = message(5).caused()


def test_a_new_order_asks_for_its_payment() -> None:
    charge = Charge(order_id=order_id(1), amount=rub(1000), method="pm_ok")

    assert command(PAYMENT_SERVICE, order_created()) == RequestPayment(charge=charge, cause=CAUSED)


def test_an_authorized_payment_asks_for_the_tickets() -> None:
    assert command(TICKET_SERVICE, AUTHORIZED) == IssueTicket(order_id=order_id(1), cause=CAUSED)


def test_an_authorized_payment_authorizes_the_order() -> None:
    expected = AdvanceOrder(order_id=order_id(1), move=Move.AUTHORIZE, event_id=event_id(5))

    assert command(ORDER_SERVICE, AUTHORIZED) == expected


def test_a_declined_payment_cancels_the_order_with_its_reason() -> None:
    reason = "payment_declined: card_declined"
    expected = AdvanceOrder(order_id=order_id(1), move=Move.CANCEL, event_id=event_id(5), reason=reason)

    assert command(ORDER_SERVICE, DECLINED) == expected


def test_issued_tickets_complete_the_order() -> None:
    expected = AdvanceOrder(order_id=order_id(1), move=Move.COMPLETE, event_id=event_id(5))

    assert command(ORDER_SERVICE, ISSUED) == expected


@pytest.mark.parametrize(
    ("event", "demand"), [(ISSUED, Demand.CAPTURE), (REJECTED, Demand.CANCEL), (VOIDED, Demand.REFUND)]
)
def test_tickets_decide_what_becomes_of_the_money(event: Event, demand: Demand) -> None:
    assert command(PAYMENT_SERVICE, event) == ChangePayment(order_id=order_id(1), demand=demand, cause=CAUSED)


def test_a_cancelled_order_gives_its_money_up_even_before_it_is_asked_for() -> None:
    charge = Charge(order_id=order_id(1), amount=rub(1000), method="pm_ok")
    expected = ChangePayment(order_id=order_id(1), demand=Demand.CANCEL, cause=CAUSED, unless_known=charge)

    assert command(PAYMENT_SERVICE, CANCELLED) == expected


@pytest.mark.parametrize("event", [CANCELLED, REFUND])
def test_a_cancelled_or_returned_order_voids_its_tickets(event: Event) -> None:
    assert command(TICKET_SERVICE, event) == VoidTicket(order_id=order_id(1), cause=CAUSED)


@pytest.mark.parametrize(
    ("event", "move", "reason"),
    [
        (REJECTED, Move.CANCEL, "tickets_rejected: refused_by_airline"),
        (PaymentVoided(order_id=order_id(1)), Move.CANCEL, "payment_voided"),
        (PaymentRefunded(order_id=order_id(1), amount=rub(1000)), Move.REFUND, None),
    ],
)
def test_compensation_ends_the_order(event: Event, move: Move, reason: str | None) -> None:
    expected = AdvanceOrder(order_id=order_id(1), move=move, event_id=event_id(5), reason=reason)

    assert command(ORDER_SERVICE, event) == expected


def test_each_consumer_reads_the_topics_of_its_events() -> None:
    assert streams_of(ORDER_SERVICE) == {"payments", "tickets"}
    assert streams_of(PAYMENT_SERVICE) == {"orders", "tickets"}
    assert streams_of(TICKET_SERVICE) == {"orders", "payments"}
    assert all(streams_of(consumer) <= set(STREAMS) for consumer in SUBSCRIPTIONS)


def test_each_consumer_handles_a_type_in_one_way() -> None:
    assert all(len(types_of(consumer)) == len(table) for consumer, table in SUBSCRIPTIONS.items())


def test_every_event_is_handled_by_somebody() -> None:
    handled = {one.event.TYPE for table in SUBSCRIPTIONS.values() for one in table}

    assert handled == {event.TYPE for event in Event.__subclasses__() if event.__module__.startswith("ordersys.")}
