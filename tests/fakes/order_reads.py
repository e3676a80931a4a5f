"""The OrderReads port in memory; tests/contract/test_order_reads.py holds it to what PostgreSQL does."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from ordersys.domain.orders.order import Order
from ordersys.domain.payments.payment import CALLS, OUTCOMES
from ordersys.domain.shared.ids import CustomerId
from ordersys.domain.tickets.seating import seat_label
from ordersys.messaging.outbox import OutboxRow, PublishedRow
from ordersys.usecase.orders.ports import StatusChange
from ordersys.usecase.orders.views import (
    HistoryView,
    InboxView,
    OrderPage,
    OrderView,
    OutboxView,
    PaymentView,
    RetryView,
    StoredWorkflow,
    TicketView,
    WorkflowDeadLetter,
    order_view,
)
from tests.fakes.clock import NOON
from tests.fakes.messaging import Attempts, MessagingTables
from tests.fakes.retry_queue import KeptRow, StoredLetter
from tests.fakes.unit_of_work import FakeDatabase

VALID: Final = "VALID"
VOIDED: Final = "VOIDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeOrderReads:
    database: FakeDatabase

    async def order(self, order_id: UUID, customer_id: CustomerId | None) -> OrderView | None:
        found = [order for order in self.database.orders.orders.rows.values() if order.id == order_id]
        return self._view(found[0]) if found and customer_id in (None, found[0].customer_id) else None

    async def page(self, customer_id: CustomerId, *, status: str | None, before: UUID | None, limit: int) -> OrderPage:
        mine = [order for order in self.database.orders.orders.rows.values() if order.customer_id == customer_id]
        wanted = [o for o in mine if status in (None, o.status) and (before is None or o.id < before)]
        newest_first = [self._view(order) for order in sorted(wanted, key=lambda order: order.id, reverse=True)]
        shown = newest_first[:limit]
        return OrderPage(items=shown, next_cursor=str(shown[-1].id) if len(newest_first) > limit else None)

    async def workflow(self, order_id: UUID, customer_id: CustomerId | None) -> StoredWorkflow | None:
        order = await self.order(order_id, customer_id)
        if order is None:
            return None
        tables = self.database.messaging
        letters = [one for one in tables.letters.rows.values() if one.letter.order_id == order_id]
        history = self.database.orders.history.rows.values()
        return StoredWorkflow(
            order=order,
            payment=order.payment,
            tickets=order.tickets,
            outbox=list(_outbox(tables, order_id)),
            inbox=[*_inbox(tables, order_id), *_marks(tables, order_id)],
            history=[_step(change) for change in history if change.order_id == order_id],
            retries=list(_retries(tables, order_id)),
            dead_letters=[_letter(one) for one in letters],
        )

    async def workflows(self, order_ids: Collection[UUID]) -> Mapping[UUID, StoredWorkflow]:
        flows = [await self.workflow(order_id, None) for order_id in order_ids]
        return {flow.order.id: flow for flow in flows if flow}

    def _view(self, order: Order) -> OrderView:
        tables = self.database.tickets
        tickets = {
            one: status
            for status, table in ((VALID, tables.tickets), (VOIDED, tables.voided))
            for one in table.rows.values()
            if one.order_id == order.id
        }
        return replace(
            order_view(order),
            payment=self._payment(order),
            tickets=[
                TicketView(
                    number=one.number, flight_id=one.flight_id, seat=seat_label(one.seat_number), status=tickets[one]
                )
                for one in sorted(tickets, key=lambda ticket: ticket.ordinal)
            ],
        )

    def _payment(self, order: Order) -> PaymentView | None:
        row = self.database.payments.payments.rows.get(order.id)
        if row is None:
            return None
        return PaymentView(
            status=row.status,
            method=row.intent.charge.method,
            amount=row.intent.charge.amount,
            attempts=row.intent.attempts,
            awaiting=call.value if (call := CALLS.get(row.status)) else None,
            outcome=outcome.value if (outcome := OUTCOMES.get(row.status)) else None,
            authorization_id=row.authorization_id,
            reason=row.reason,
            next_attempt_at=row.next_at and max(row.next_at, row.until or row.next_at),
            last_error=row.error,
        )


def _outbox(tables: MessagingTables, order_id: UUID) -> Iterator[OutboxView]:
    events: dict[int, OutboxView] = {}
    for row in tables.outbox.rows.values():
        known = tables.attempts.get(row.id)
        waiting = _event(row, "parked" if known and known.parked else "pending")
        events[row.id] = _tried(waiting, known) if known else waiting
    for number, one in tables.archive.items():
        events[number] = _published(one)
    mine = {row.id for row in tables.outbox.rows.values() if row.order_id == order_id}
    mine |= {number for number, one in tables.archive.items() if one.row.order_id == order_id}
    yield from (view for number, view in sorted(events.items()) if number in mine)


def _tried(waiting: OutboxView, known: Attempts) -> OutboxView:
    next_at = None if known.parked else NOON + timedelta(seconds=known.next_at)
    return replace(waiting, attempts=known.count, last_error=known.error, next_attempt_at=next_at)


def _published(one: PublishedRow) -> OutboxView:
    return replace(
        _event(one.row, "published"),
        attempts=one.row.attempts + 1,
        published_at=NOON,
        topic=one.topic,
        partition=one.ack.partition,
        offset=one.ack.offset,
    )


def _event(row: OutboxRow, status: str) -> OutboxView:
    return OutboxView(
        id=row.id,
        event_id=str(row.event_id),
        type=row.type,
        producer=row.source,
        occurred_at=row.occurred_at,
        status=status,
        attempts=0,
        correlation_id=row.cause.correlation_id,
        causation_id=row.cause.causation_id,
    )


def _inbox(tables: MessagingTables, order_id: UUID) -> Sequence[InboxView]:
    return [
        InboxView(
            consumer=consumer,
            event_id=str(event_id),
            type=message.type,
            status="processed",
            attempts=1,
            processed_at=NOON,
        )
        for (consumer, event_id), message in tables.inbox.rows.items()
        if message.order_id == order_id
    ]


def _kept(tables: MessagingTables, order_id: UUID) -> list[tuple[str, KeptRow]]:
    rows = [(name, row) for (name, _), row in tables.retries.rows.items() if row.order_id == order_id]
    return sorted(rows, key=lambda one: one[1].id)


def _retries(tables: MessagingTables, order_id: UUID) -> Iterator[RetryView]:
    for consumer, row in _kept(tables, order_id):
        yield RetryView(
            consumer=consumer,
            event_id=str(row.event_id),
            type=row.type,
            attempts=row.attempts,
            next_attempt_at=NOON + timedelta(seconds=row.next_at),
            error=row.error,
        )


def _marks(tables: MessagingTables, order_id: UUID) -> Iterator[InboxView]:
    """What was not handled, and stands beside what was."""
    for consumer, row in _kept(tables, order_id):
        yield InboxView(
            consumer=consumer, event_id=str(row.event_id), type=row.type, status="retrying", attempts=row.attempts
        )
    for one in tables.letters.rows.values():
        if one.letter.order_id == order_id and one.letter.event_id and one.status == "NEW":
            yield InboxView(
                consumer=one.letter.consumer,
                event_id=str(one.letter.event_id),
                type=one.letter.type or "",
                status="dead",
                attempts=one.letter.attempts,
            )


def _letter(one: StoredLetter) -> WorkflowDeadLetter:
    return WorkflowDeadLetter(
        id=str(one.id),
        consumer=one.letter.consumer,
        event_id=str(one.letter.event_id) if one.letter.event_id else None,
        type=one.letter.type,
        status=one.status,
        attempts=one.letter.attempts,
        error=one.letter.error,
        created_at=NOON,
    )


def _step(change: StatusChange) -> HistoryView:
    return HistoryView(
        from_status=change.before,
        to_status=change.after,
        at=change.at,
        reason=change.reason,
        event_id=str(change.event_id) if change.event_id else None,
    )
