"""Why is it not done? What an order waits for, where that is, when it moves by itself and which command moves it.

What has come to a standstill is told before what is merely on its way, and the oldest of its kind first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from ordersys.domain.orders.order import FINAL, WITHOUT_SEATS, Status
from ordersys.usecase.orders.views import OutboxView, PaymentView, WaitingFor, WorkflowView

LOOK: Final = "ordersys status"
NEW: Final = "NEW"
ENDED_BY_DEADLINE: Final = frozenset({Status.CREATED, Status.PAYMENT_AUTHORIZED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """`subscribers`: the consumers of each event type. `deadline`: how old an order may get before it is cancelled."""

    subscribers: Mapping[str, Sequence[str]]
    deadline: timedelta

    def waiting_for(self, flow: WorkflowView) -> WaitingFor | None:
        """None when the order has ended and nothing is left to be given back."""
        return next(self._all(flow), None)

    def explained(self, flow: WorkflowView) -> WorkflowView:
        """With what it waits for."""
        return replace(flow, waiting_for=self.waiting_for(flow))

    def at_rest(self, flow: WorkflowView) -> bool:
        """Nothing of it is still on its way: it stays as it is until somebody asks for another end."""
        under_way = chain(_unpublished(flow), self._unhandled(flow, None))
        return ended(flow) and _settled(flow) and next(under_way, None) is None

    def _all(self, flow: WorkflowView) -> Iterator[WaitingFor]:
        ends_at = self._ends_at(flow)
        yield from _standstills(flow, ends_at)
        yield from _attempts(flow)
        if _settled(flow):
            return
        yield from _calls(flow)
        if flow.order.status == Status.COMPLETED:
            return
        yield from _unpublished(flow)
        yield from self._unhandled(flow, ends_at)
        yield WaitingFor(
            what="the next event",
            where="none is on its way: every event of this order was handled",
            until=ends_at,
            command=None if ends_at else "ordersys audit",
        )

    def _ends_at(self, flow: WorkflowView) -> datetime | None:
        """When the order is cancelled, if nothing else ends it."""
        return flow.order.created_at + self.deadline if flow.order.status in ENDED_BY_DEADLINE else None

    def _unhandled(self, flow: WorkflowView, ends_at: datetime | None) -> Iterator[WaitingFor]:
        known = {(mark.consumer, mark.event_id) for mark in flow.inbox}
        known |= {(letter.consumer, letter.event_id or "") for letter in flow.dead_letters}
        for event in flow.outbox:
            for consumer in self.subscribers.get(event.type, ()):
                if event.status == "published" and (consumer, event.event_id) not in known:
                    yield WaitingFor(
                        what=f"{consumer} to handle {_name(event.type)}",
                        where=f"{event.topic}[{event.partition}]@{event.offset}, not yet in the inbox of {consumer}",
                        until=ends_at,
                        command=LOOK,
                    )


def ended(flow: WorkflowView) -> bool:
    """A final status, and nothing to wait for. Its last traces may still be on their way."""
    return flow.order.status in FINAL and flow.waiting_for is None


def _settled(flow: WorkflowView) -> bool:
    """Money and tickets are where the status of the order says. Without a look at the inbox, which forgets."""
    outcome = flow.payment and flow.payment.outcome
    if flow.order.status == Status.COMPLETED:
        return outcome == "captured"
    held = any(ticket.status == "VALID" for ticket in flow.tickets)
    return flow.order.status in WITHOUT_SEATS and outcome == "released" and not held


def _standstills(flow: WorkflowView, ends_at: datetime | None) -> Iterator[WaitingFor]:
    """What no time heals; only the deadline may end the wait."""
    for letter in flow.dead_letters:
        if letter.status == NEW:
            yield WaitingFor(
                what=f"{letter.consumer} to handle {_name(letter.type or 'an event')}",
                where=f"dead letter {letter.id} after {letter.attempts} attempts: {letter.error}",
                until=ends_at,
                command=f"ordersys dlq replay {letter.id}",
            )
    for event in flow.outbox:
        if event.status == "parked":
            yield WaitingFor(
                what=f"{_name(event.type)} to be published",
                where=f"row {event.id} of the outbox, parked after {event.attempts} attempts: {event.last_error}",
                until=ends_at,
                command=f"ordersys outbox unpark {event.id}",
            )


def _attempts(flow: WorkflowView) -> Iterator[WaitingFor]:
    for retry in flow.retries:
        yield WaitingFor(
            what=f"{retry.consumer} to handle {_name(retry.type)}",
            where=f"retries of {retry.consumer}, after {retry.attempts} attempts: {retry.error}",
            until=retry.next_attempt_at,
        )


def _calls(flow: WorkflowView) -> Iterator[WaitingFor]:
    """A capture is no news unless it fails: the order is complete without it."""
    payment = flow.payment
    if payment is None or payment.awaiting is None or payment.next_attempt_at is None:
        return
    if flow.order.status == Status.COMPLETED and payment.attempts < 2:
        return
    yield WaitingFor(
        what=f"the gateway to {payment.awaiting} the payment",
        where=f"the payment is {payment.status}, {_asked(payment)}",
        until=payment.next_attempt_at,
        command=None if payment.attempts else LOOK,
    )


def _asked(payment: PaymentView) -> str:
    if not payment.attempts:
        return "the gateway was not asked yet"
    return f"attempt {payment.attempts}" + (f": {payment.last_error}" if payment.last_error else " is under way")


def _unpublished(flow: WorkflowView) -> Iterator[WaitingFor]:
    for event in flow.outbox:
        if event.status == "pending":
            yield WaitingFor(
                what=f"{_name(event.type)} to be published",
                where=f"row {event.id} of the outbox, {_tried(event)}",
                until=event.next_attempt_at,
                command=None if event.attempts else LOOK,
            )


def _tried(event: OutboxView) -> str:
    if not event.attempts:
        return "no worker has taken it yet"
    return f"after {event.attempts} attempts: {event.last_error}"


def _name(event_type: str) -> str:
    """ordersys.OrderCreated.v1 -> OrderCreated."""
    return event_type.removeprefix("ordersys.").partition(".")[0]
