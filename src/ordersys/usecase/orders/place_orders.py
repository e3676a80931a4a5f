"""Places orders: one transaction for many customers holds the seats and writes orders, answers and events.

Invariant: an answer is returned only after the commit of the order, its seats, its idempotency record and its outbox
row.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ordersys.domain.orders.events import OrderCreated, OrderedItem
from ordersys.domain.orders.order import Order, Status
from ordersys.domain.orders.placing import Limits, SeatHolds, SeatRequest
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import CustomerId, FlightId, Ids, OrderId
from ordersys.domain.shared.money import Money
from ordersys.messaging.envelope import Cause, Outgoing
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.orders.ports import (
    Claim,
    IdempotencyKey,
    InUse,
    OrderMeter,
    OrderPlaced,
    OrderRefused,
    OrderTransaction,
    Placement,
    Refusal,
    StoredAnswer,
)
from ordersys.usecase.orders.views import order_view

IN_USE = Refusal(
    code="idempotency_key_in_use",
    kind=Kind.CONFLICT,
    detail="A request with this Idempotency-Key is still running; retry later.",
)
REUSED = Refusal(
    code="idempotency_key_reused",
    kind=Kind.INVALID,
    detail="This Idempotency-Key was already used with a different request body.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """`fingerprint`: digest of the meaning of the request body."""

    customer_id: CustomerId
    items: Sequence[SeatRequest]
    payment_method: str
    expected_total: Money | None
    idempotency: IdempotencyKey
    fingerprint: bytes
    cause: Cause


@dataclass(slots=True, kw_only=True)
class _PlacementBatch:
    """The changes that one transaction will write."""

    now: datetime
    holds: SeatHolds
    orders: list[Order] = field(default_factory=list)
    events: list[Outgoing] = field(default_factory=list)
    answers: dict[IdempotencyKey, StoredAnswer] = field(default_factory=dict)

    def placement(self) -> Placement:
        return Placement(seats=self.holds.held, orders=self.orders, events=self.events, answers=self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrders:
    unit_of_work: UnitOfWork[OrderTransaction]
    clock: Clock
    ids: Ids
    meter: OrderMeter
    limits: Limits
    keys_kept: timedelta

    async def execute(self, commands: Sequence[PlaceOrder]) -> Sequence[OrderPlaced | OrderRefused]:
        """Returns the answers in the order of the commands, which is also the order in which seats are assigned."""
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            since = now - self.keys_kept
            prepared = await transaction.placements.prepare(_wanted(commands), since=since)
            batch = _PlacementBatch(now=now, holds=SeatHolds(offers=prepared.offers))
            results = [self._answer(command, prepared.claims[command.idempotency], batch) for command in commands]
            await transaction.placements.write(batch.placement(), at=now, since=since)
            transaction.changed(order.id for order in batch.orders)
            transaction.on_commit(lambda: self.meter.created(len(batch.orders)))
        return results

    def _answer(self, command: PlaceOrder, claim: Claim, batch: _PlacementBatch) -> OrderPlaced | OrderRefused:
        if isinstance(claim, InUse):
            return OrderRefused(refusal=IN_USE)
        earlier = claim or batch.answers.get(command.idempotency)
        if earlier is not None:
            return _replay(command, earlier)
        answer = self._decide(command, batch)
        # The key of an invalid request stays free for the corrected one.
        if isinstance(answer, OrderPlaced) or answer.refusal.kind is not Kind.INVALID:
            batch.answers[command.idempotency] = StoredAnswer(fingerprint=command.fingerprint, answer=answer)
        return answer

    def _decide(self, command: PlaceOrder, batch: _PlacementBatch) -> OrderPlaced | OrderRefused:
        try:
            self.limits.check(command.items)
            items, total = batch.holds.hold(command.items, command.expected_total, batch.now)
        except DomainError as error:
            return OrderRefused(refusal=Refusal(code=error.code, kind=error.kind, detail=error.detail))
        order = Order(
            id=OrderId(self.ids.new()),
            customer_id=command.customer_id,
            status=Status.CREATED,
            items=items,
            total=total,
            payment_method=command.payment_method,
            created_at=batch.now,
            updated_at=batch.now,
        )
        batch.orders.append(order)
        event = _created(order)
        batch.events.append(outgoing(event, order_id=order.id, at=batch.now, cause=command.cause, ids=self.ids))
        return OrderPlaced(order=order_view(order))


def _wanted(commands: Sequence[PlaceOrder]) -> Mapping[IdempotencyKey, Collection[FlightId]]:
    wanted: dict[IdempotencyKey, set[FlightId]] = {}
    for command in commands:
        wanted.setdefault(command.idempotency, set()).update(item.flight_id for item in command.items)
    return wanted


def _created(order: Order) -> OrderCreated:
    return OrderCreated(
        order_id=order.id,
        customer_id=order.customer_id,
        items=tuple(
            OrderedItem(flight_id=item.flight_id, seats=item.seats, unit_price=item.unit_price) for item in order.items
        ),
        total=order.total,
        payment_method=order.payment_method,
    )


def _replay(command: PlaceOrder, earlier: StoredAnswer) -> OrderPlaced | OrderRefused:
    if earlier.fingerprint != command.fingerprint:
        return OrderRefused(refusal=REUSED)
    return replace(earlier.answer, replayed=True)
