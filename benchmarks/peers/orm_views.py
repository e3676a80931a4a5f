"""From loaded ORM objects to the answer, attribute by attribute."""

from benchmarks.peers.models import ArchivedEvent, Order, OutboxEvent, Payment
from ordersys.domain.payments.payment import CALLS, OUTCOMES, PaymentStatus
from ordersys.domain.shared.money import Money
from ordersys.usecase.orders.views import (
    HistoryView,
    InboxView,
    ItemView,
    OrderView,
    OutboxView,
    PaymentView,
    TicketView,
    WorkflowView,
)


def workflow_view(order: Order) -> WorkflowView:
    payment = _payment(order.payment) if order.payment else None
    tickets = [TicketView(number=t.number, flight_id=t.flight_id, seat=t.seat, status=t.status) for t in order.tickets]
    return WorkflowView(
        order=_order(order, payment, tickets),
        payment=payment,
        tickets=tickets,
        outbox=[*map(_pending, order.pending), *map(_archived, order.archived)],
        inbox=[
            InboxView(
                consumer=one.consumer,
                event_id=str(one.event_id),
                type=one.type,
                status="processed",
                attempts=one.attempts,
                processed_at=one.processed_at,
            )
            for one in order.inbox
        ],
        history=[
            HistoryView(from_status=one.from_status, to_status=one.to_status, at=one.at, reason=one.reason)
            for one in order.history
        ],
        retries=[],
        dead_letters=[],
    )


def _order(order: Order, payment: PaymentView | None, tickets: list[TicketView]) -> OrderView:
    return OrderView(
        id=order.id,
        status=order.status,
        items=[
            ItemView(
                flight_id=item.flight_id,
                seats=item.seats,
                unit_price=Money(amount=item.unit_amount, currency=order.currency),
            )
            for item in order.items
        ],
        total=Money(amount=order.total_amount, currency=order.currency),
        created_at=order.created_at,
        updated_at=order.updated_at,
        reason=order.reason,
        payment=payment,
        tickets=tickets,
    )


def _payment(payment: Payment) -> PaymentView:
    call, outcome = CALLS.get(PaymentStatus(payment.status)), OUTCOMES.get(PaymentStatus(payment.status))
    return PaymentView(
        status=payment.status,
        method=payment.method,
        amount=Money(amount=payment.amount, currency=payment.currency),
        attempts=payment.attempts,
        awaiting=call.value if call else None,
        outcome=outcome.value if outcome else None,
        authorization_id=payment.authorization_id,
    )


def _pending(event: OutboxEvent) -> OutboxView:
    return OutboxView(
        id=event.id,
        event_id=str(event.event_id),
        type=event.type,
        producer=event.headers["source"],
        occurred_at=event.occurred_at,
        status="pending",
        attempts=0,
        correlation_id=event.headers["correlation_id"],
        causation_id=event.headers.get("causation_id", ""),
    )


def _archived(event: ArchivedEvent) -> OutboxView:
    return OutboxView(
        id=event.id,
        event_id=str(event.event_id),
        type=event.type,
        producer=event.headers["source"],
        occurred_at=event.occurred_at,
        status="published",
        attempts=event.attempts,
        correlation_id=event.headers["correlation_id"],
        causation_id=event.headers.get("causation_id", ""),
        published_at=event.published_at,
        topic=event.topic,
        partition=event.partition,
        offset=event.offset,
    )
