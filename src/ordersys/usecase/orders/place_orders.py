"""Place orders: hold the seats, write order, answer and event in one transaction, for many customers at once.

Invariant: an answer is given only after the commit that holds order, seats, idempotency record and outbox row.
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
    OrderTransaction,
    Outcome,
    Placement,
    Refusal,
    StoredAnswer,
)
from ordersys.usecase.orders.views import OrderView, order_view

IN_USE = Refusal(
    code="idempotency_key_in_use",
    kind=Kind.CONFLICT,
    detail="a request with this Idempotency-Key is still running; send it again",
)
REUSED = Refusal(
    code="idempotency_key_reused",
    kind=Kind.INVALID,
    detail="this Idempotency-Key was used with another request body",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """`fingerprint` stands for the meaning of the request body: equal bodies, equal bytes."""

    customer_id: CustomerId
    items: Sequence[SeatRequest]
    payment_method: str
    expected_total: Money | None
    idempotency: IdempotencyKey
    fingerprint: bytes
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    order: OrderView
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    refusal: Refusal
    replayed: bool = False


@dataclass(slots=True, kw_only=True)
class _PlacementBatch:
    """What one transaction will write."""

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
        """Answers in the order of the commands. Commands are decided in that order too: first come, first served."""
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
        outcome = self._decide(command, batch)
        # A request that is invalid in itself was never begun: its key stays free for the corrected one.
        if outcome.refused is None or outcome.refused.kind is not Kind.INVALID:
            batch.answers[command.idempotency] = StoredAnswer(fingerprint=command.fingerprint, outcome=outcome)
        return _result(outcome)

    def _decide(self, command: PlaceOrder, batch: _PlacementBatch) -> Outcome:
        try:
            self.limits.check(command.items)
            items, total = batch.holds.hold(command.items, command.expected_total, batch.now)
        except DomainError as error:
            return Outcome(refused=Refusal(code=error.code, kind=error.kind, detail=error.detail))
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
        return Outcome(placed=order_view(order))


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
    return replace(_result(earlier.outcome), replayed=True)


def _result(outcome: Outcome) -> OrderPlaced | OrderRefused:
    if outcome.placed is not None:
        return OrderPlaced(order=outcome.placed)
    if outcome.refused is None:
        raise ValueError("an outcome is placed or refused")
    return OrderRefused(refusal=outcome.refused)
