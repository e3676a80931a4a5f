"""What the order use cases need from outside."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from ordersys.domain.orders.order import Order, Status
from ordersys.domain.orders.placing import Offer
from ordersys.domain.shared.errors import Kind
from ordersys.domain.shared.ids import CustomerId, EventId, FlightId, OrderId
from ordersys.domain.shared.money import Money
from ordersys.messaging.envelope import Outgoing
from ordersys.messaging.outbox import Outbox
from ordersys.messaging.unit_of_work import CommitHooks
from ordersys.usecase.orders.views import OrderPage, OrderView, StoredWorkflow


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A client's key. It belongs to its customer and route, so nobody is answered with another's order."""

    customer_id: CustomerId
    route: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A decision against an order: replayed like an answer."""

    code: str
    kind: Kind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """`replayed`: the stored answer to an earlier request with the same key."""

    order: OrderView
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """`replayed`: the stored answer to an earlier request with the same key."""

    refusal: Refusal
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """The answer to an earlier request with the key. `fingerprint`: of the body of that request."""

    fingerprint: bytes
    answer: OrderPlaced | OrderRefused


class InUse:
    """A request with this key is running elsewhere at this moment."""


Claim = StoredAnswer | InUse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPlacement:
    """What new orders begin with. `offers` are the flights that exist, of those wanted under new keys."""

    claims: Mapping[IdempotencyKey, Claim]
    offers: Mapping[FlightId, Offer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What becomes of new orders: written together, or not at all."""

    seats: Mapping[FlightId, int]
    orders: Sequence[Order]
    events: Sequence[Outgoing]
    answers: Mapping[IdempotencyKey, StoredAnswer]


class Placements(Protocol):
    async def prepare(
        self, wanted: Mapping[IdempotencyKey, Collection[FlightId]], *, since: datetime
    ) -> PreparedPlacement:
        """Takes the keys for this transaction (None = taken and new); never waits for one. Answers older than `since`
        do not count. Then the flights wanted under the new keys are locked in id order until the transaction ends.
        """
        ...

    async def write(self, placement: Placement, *, at: datetime, since: datetime) -> None:
        """Takes the seats; writes the orders, each with the first step of its history, the events in their order, and
        the answers. Raises Contention when a key has an answer that is not older than `since`.
        """
        ...


class Seats(Protocol):
    async def lock(self, flight_ids: Iterable[FlightId]) -> Mapping[FlightId, Offer]:
        """The flights that exist, locked in id order until the transaction ends."""
        ...

    async def take(self, seats: Mapping[FlightId, int]) -> None:
        """Adds to the seats taken; negative numbers give seats back."""
        ...


# Tuples, like Message: one of each is made for every event.
class StatusChange(NamedTuple):
    """One step of an order's life, as its history keeps it."""

    order_id: OrderId
    before: Status | None
    after: Status
    at: datetime
    reason: str | None = None
    event_id: EventId | None = None


class LockedOrder(NamedTuple):
    """Where an order stands: what a move needs to know of it. What it bought is asked for when seats are given back."""

    order_id: OrderId
    customer_id: CustomerId
    status: Status
    total: Money
    payment_method: str
    created_at: datetime


class Orders(Protocol):
    async def lock(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, LockedOrder]:
        """The orders that exist, locked in id order until the transaction ends."""
        ...

    async def lock_overdue(self, created_before: datetime, limit: int) -> Mapping[OrderId, LockedOrder]:
        """Orders still under way that are that old, locked; those that somebody else has locked are passed over."""
        ...

    async def seats(self, order_ids: Iterable[OrderId]) -> Mapping[FlightId, int]:
        """How many seats these orders bought, all together, on each flight."""
        ...

    async def change(self, changes: Sequence[StatusChange]) -> None:
        """Writes the history and each order's last status of these changes."""
        ...


class OrderTransaction(CommitHooks, Protocol):
    @property
    def orders(self) -> Orders: ...
    @property
    def seats(self) -> Seats: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def placements(self) -> Placements: ...


class OrderReads(Protocol):
    """Views straight from the database; `customer_id` None means any owner (operators)."""

    async def order(self, order_id: UUID, customer_id: CustomerId | None) -> OrderView | None: ...

    async def page(
        self, customer_id: CustomerId, *, status: str | None, before: UUID | None, limit: int
    ) -> OrderPage: ...

    async def workflow(self, order_id: UUID, customer_id: CustomerId | None) -> StoredWorkflow | None: ...

    async def workflows(self, order_ids: Collection[UUID]) -> Mapping[UUID, StoredWorkflow]:
        """Of those that exist, whoever owns them."""
        ...


class OrderMeter(Protocol):
    def created(self, count: int) -> None: ...

    def finished(self, status: str, seconds: float) -> None:
        """An order reached a final status, so many seconds after it was created."""
        ...
