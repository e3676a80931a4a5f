"""The choreography in one table: for each consumer, event -> use case -> command. Only this table decides what an event
leads to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ordersys.domain.orders.events import OrderCancelled, OrderCreated, RefundRequested
from ordersys.domain.orders.order import Move
from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined, PaymentRefunded, PaymentVoided
from ordersys.domain.payments.payment import Charge, Demand
from ordersys.domain.shared.event import Event
from ordersys.domain.tickets.events import TicketIssued, TicketRejected, TicketVoided
from ordersys.messaging.inbox import Message
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrder, AdvanceOrders
from ordersys.usecase.payments.change_payments import ChangePayment, ChangePayments
from ordersys.usecase.payments.request_payments import RequestPayment, RequestPayments
from ordersys.usecase.tickets.issue_tickets import IssueTicket, IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTicket, VoidTickets

ToCommand = Callable[[Any, Message], object]


class UseCase(Protocol):
    async def execute(self, commands: Sequence[Any]) -> object: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """`command` builds a command of the use case from the event and its message."""

    event: type[Event]
    use_case: type[UseCase]
    command: ToCommand


def _request_payment(event: OrderCreated, message: Message) -> RequestPayment:
    charge = Charge(order_id=event.order_id, amount=event.total, method=event.payment_method)
    return RequestPayment(charge=charge, cause=message.caused())


def _payment(demand: Demand) -> ToCommand:
    def command(event: TicketIssued | TicketRejected | TicketVoided, message: Message) -> ChangePayment:
        return ChangePayment(order_id=event.order_id, demand=demand, cause=message.caused())

    return command


def _cancel_payment(event: OrderCancelled, message: Message) -> ChangePayment:
    charge = Charge(order_id=event.order_id, amount=event.total, method=event.payment_method)
    cause = message.caused()
    return ChangePayment(order_id=event.order_id, demand=Demand.CANCEL, cause=cause, unless_known=charge)


def _issue_ticket(_: PaymentAuthorized, message: Message) -> IssueTicket:
    return IssueTicket(order_id=message.order_id, cause=message.caused())


def _void_ticket(event: OrderCancelled | RefundRequested, message: Message) -> VoidTicket:
    return VoidTicket(order_id=event.order_id, cause=message.caused())


def _order(move: Move, reason: Callable[[Any], str] | None = None) -> ToCommand:
    def command(event: Any, message: Message) -> AdvanceOrder:
        why = reason(event) if reason else None
        return AdvanceOrder(order_id=message.order_id, move=move, event_id=message.event_id, reason=why)

    return command


SUBSCRIPTIONS: Final[Mapping[str, Sequence[Subscription]]] = {
    PAYMENT_SERVICE: (
        Subscription(OrderCreated, RequestPayments, _request_payment),
        Subscription(TicketIssued, ChangePayments, _payment(Demand.CAPTURE)),
        Subscription(TicketRejected, ChangePayments, _payment(Demand.CANCEL)),
        Subscription(TicketVoided, ChangePayments, _payment(Demand.REFUND)),
        Subscription(OrderCancelled, ChangePayments, _cancel_payment),
    ),
    TICKET_SERVICE: (
        Subscription(PaymentAuthorized, IssueTickets, _issue_ticket),
        Subscription(OrderCancelled, VoidTickets, _void_ticket),
        Subscription(RefundRequested, VoidTickets, _void_ticket),
    ),
    ORDER_SERVICE: (
        Subscription(PaymentAuthorized, AdvanceOrders, _order(Move.AUTHORIZE)),
        Subscription(PaymentDeclined, AdvanceOrders, _order(Move.CANCEL, lambda e: f"payment_declined: {e.reason}")),
        Subscription(TicketIssued, AdvanceOrders, _order(Move.COMPLETE)),
        Subscription(TicketRejected, AdvanceOrders, _order(Move.CANCEL, lambda e: f"tickets_rejected: {e.reason}")),
        Subscription(PaymentVoided, AdvanceOrders, _order(Move.CANCEL, lambda e: "payment_voided")),
        Subscription(PaymentRefunded, AdvanceOrders, _order(Move.REFUND)),
    ),
}  # fmt: skip


def types_of(consumer: str) -> frozenset[str]:
    return frozenset(subscription.event.TYPE for subscription in SUBSCRIPTIONS[consumer])


def streams_of(consumer: str) -> frozenset[str]:
    return frozenset(subscription.event.STREAM for subscription in SUBSCRIPTIONS[consumer])


def subscribers() -> Mapping[str, Sequence[str]]:
    """The consumers of each event type."""
    types = {subscription.event.TYPE for table in SUBSCRIPTIONS.values() for subscription in table}
    return {one: [consumer for consumer in SUBSCRIPTIONS if one in types_of(consumer)] for one in types}
