"""Why is an order not done? What it waits for, when that moves by itself, and which action moves it.

A standstill is reported before what is merely on its way, and the oldest of its kind first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from ordersys.domain.orders.order import FINAL, WITHOUT_SEATS, Status
from ordersys.usecase.orders.views import (
    AwaitingEvent,
    AwaitingGateway,
    AwaitingHandler,
    OutboxParked,
    OutboxPending,
    Retrying,
    StoredWorkflow,
    UnresolvedDeadLetter,
    WaitingFor,
    WorkflowView,
)

NEW: Final = "NEW"
ENDED_BY_DEADLINE: Final = frozenset({Status.CREATED, Status.PAYMENT_AUTHORIZED})


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRules:
    """`subscribers`: the consumers of each event type. `deadline`: how old an order may get before it is cancelled."""

    subscribers: Mapping[str, Sequence[str]]
    deadline: timedelta

    def waiting_for(self, workflow: StoredWorkflow) -> WaitingFor | None:
        """Returns None if the order has ended and nothing is left to be given back."""
        return next(self._all(workflow), None)

    def explained(self, workflow: StoredWorkflow) -> WorkflowView:
        """Returns the workflow together with what the order waits for."""
        return WorkflowView(
            order=workflow.order,
            payment=workflow.payment,
            tickets=workflow.tickets,
            outbox=workflow.outbox,
            inbox=workflow.inbox,
            history=workflow.history,
            retries=workflow.retries,
            dead_letters=workflow.dead_letters,
            waiting_for=self.waiting_for(workflow),
        )

    def at_rest(self, workflow: WorkflowView) -> bool:
        """Whether no event of the order is on its way: it stays as it is unless a customer asks for another end."""
        under_way = chain(_unpublished(workflow), self._unhandled(workflow, None))
        return ended(workflow) and _settled(workflow) and next(under_way, None) is None

    def _all(self, workflow: StoredWorkflow) -> Iterator[WaitingFor]:
        ends_at = self._ends_at(workflow)
        yield from _standstills(workflow, ends_at)
        yield from _retries(workflow)
        if _settled(workflow):
            return
        yield from _gateway_calls(workflow)
        if workflow.order.status == Status.COMPLETED:
            return
        yield from _unpublished(workflow)
        yield from self._unhandled(workflow, ends_at)
        yield AwaitingEvent(until=ends_at, action=None if ends_at else "audit")

    def _ends_at(self, workflow: StoredWorkflow) -> datetime | None:
        """Returns when the order is cancelled unless something else ends it first."""
        return workflow.order.created_at + self.deadline if workflow.order.status in ENDED_BY_DEADLINE else None

    def _unhandled(self, workflow: StoredWorkflow, ends_at: datetime | None) -> Iterator[AwaitingHandler]:
        known = {(mark.consumer, mark.event_id) for mark in workflow.inbox}
        known |= {(dead.consumer, dead.event_id or "") for dead in workflow.dead_letters}
        for event in workflow.outbox:
            for consumer in self.subscribers.get(event.type, ()):
                if event.status == "published" and (consumer, event.event_id) not in known:
                    yield AwaitingHandler(
                        consumer=consumer,
                        event=event.type,
                        event_id=event.event_id,
                        topic=event.topic,
                        partition=event.partition,
                        offset=event.offset,
                        until=ends_at,
                        action="check_status",
                    )


def ended(workflow: WorkflowView) -> bool:
    """Whether the status is final and nothing is left to wait for. Its last events may still be on their way."""
    return workflow.order.status in FINAL and workflow.waiting_for is None


def _settled(workflow: StoredWorkflow) -> bool:
    """Whether money and tickets are where the status of the order says. Ignores the inbox, which forgets."""
    outcome = workflow.payment and workflow.payment.outcome
    if workflow.order.status == Status.COMPLETED:
        return outcome == "captured"
    held = any(ticket.status == "VALID" for ticket in workflow.tickets)
    return workflow.order.status in WITHOUT_SEATS and outcome == "released" and not held


def _standstills(workflow: StoredWorkflow, ends_at: datetime | None) -> Iterator[UnresolvedDeadLetter | OutboxParked]:
    """What does not move by itself; only the deadline may end the wait."""
    for dead in workflow.dead_letters:
        if dead.status == NEW:
            yield UnresolvedDeadLetter(
                consumer=dead.consumer,
                event=dead.type,
                event_id=dead.event_id,
                id=dead.id,
                attempts=dead.attempts,
                error=dead.error,
                until=ends_at,
                action="replay_dead_letter",
            )
    for event in workflow.outbox:
        if event.status == "parked":
            yield OutboxParked(
                event=event.type,
                event_id=event.event_id,
                id=event.id,
                attempts=event.attempts,
                error=event.last_error,
                until=ends_at,
                action="unpark",
            )


def _retries(workflow: StoredWorkflow) -> Iterator[Retrying]:
    for retry in workflow.retries:
        yield Retrying(
            consumer=retry.consumer,
            event=retry.type,
            event_id=retry.event_id,
            attempts=retry.attempts,
            error=retry.error,
            until=retry.next_attempt_at,
            action=None,
        )


def _gateway_calls(workflow: StoredWorkflow) -> Iterator[AwaitingGateway]:
    """A capture is reported only once it fails: the order is complete without it."""
    payment = workflow.payment
    if payment is None or payment.awaiting is None or payment.next_attempt_at is None:
        return
    if workflow.order.status == Status.COMPLETED and payment.attempts < 2:
        return
    yield AwaitingGateway(
        call=payment.awaiting,
        status=payment.status,
        attempts=payment.attempts,
        error=payment.last_error,
        until=payment.next_attempt_at,
        action=None if payment.attempts else "check_status",
    )


def _unpublished(workflow: StoredWorkflow) -> Iterator[OutboxPending]:
    for event in workflow.outbox:
        if event.status == "pending":
            yield OutboxPending(
                event=event.type,
                event_id=event.event_id,
                id=event.id,
                attempts=event.attempts,
                error=event.last_error,
                until=event.next_attempt_at,
                action=None if event.attempts else "check_status",
            )
