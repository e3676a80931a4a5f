"""The choreography in one table: event -> command -> use case, by consumer. Nobody else decides what an event leads
to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ordersys.domain.orders.events import OrderCreated
from ordersys.domain.orders.order import Move
from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined
from ordersys.domain.payments.payment import Charge
from ordersys.domain.shared.event import Event
from ordersys.domain.tickets.events import TicketIssued
from ordersys.messaging.inbox import Message
from ordersys.messaging.names import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrder
from ordersys.usecase.payments.request_payments import RequestPayment
from ordersys.usecase.tickets.issue_tickets import IssueTicket


@dataclass(frozen=True, slots=True)
class Subscription:
    """`use_case` is the name of its factory in the containers; `command` makes its command from the event and its
    message.
    """

    event: type[Event]
    use_case: str
    command: Callable[[Any, Message], object]


def _request_payment(event: OrderCreated, message: Message) -> RequestPayment:
    charge = Charge(order_id=event.order_id, amount=event.total, method=event.payment_method)
    return RequestPayment(charge=charge, cause=message.caused())


def _issue_ticket(event: PaymentAuthorized, message: Message) -> IssueTicket:
    return IssueTicket(order_id=event.order_id, cause=message.caused())


def _authorize_order(event: PaymentAuthorized, message: Message) -> AdvanceOrder:
    return AdvanceOrder(order_id=event.order_id, move=Move.AUTHORIZE, event_id=message.event_id)


def _cancel_order(event: PaymentDeclined, message: Message) -> AdvanceOrder:
    reason = f"payment_declined: {event.reason}"
    return AdvanceOrder(order_id=event.order_id, move=Move.CANCEL, event_id=message.event_id, reason=reason)


def _complete_order(event: TicketIssued, message: Message) -> AdvanceOrder:
    return AdvanceOrder(order_id=event.order_id, move=Move.COMPLETE, event_id=message.event_id)


SUBSCRIPTIONS: Final[Mapping[str, Sequence[Subscription]]] = {
    PAYMENT_SERVICE: (
        Subscription(OrderCreated, "request_payments", _request_payment),
    ),
    TICKET_SERVICE: (
        Subscription(PaymentAuthorized, "issue_tickets", _issue_ticket),
    ),
    ORDER_SERVICE: (
        Subscription(PaymentAuthorized, "advance_orders", _authorize_order),
        Subscription(PaymentDeclined, "advance_orders", _cancel_order),
        Subscription(TicketIssued, "advance_orders", _complete_order),
    ),
}  # fmt: skip


def types_of(consumer: str) -> frozenset[str]:
    return frozenset(subscription.event.TYPE for subscription in SUBSCRIPTIONS[consumer])


def streams_of(consumer: str) -> frozenset[str]:
    return frozenset(subscription.event.STREAM for subscription in SUBSCRIPTIONS[consumer])
