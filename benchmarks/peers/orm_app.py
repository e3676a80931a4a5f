"""The same endpoints as they are usually written: one ORM session and one transaction per request.

Placing locks the flight, adds order, item, history, outbox event and idempotency key, and commits; the workflow is
loaded with `selectinload`. Everything around them is the product's. `python -m benchmarks.peers.orm_app`
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from dependency_injector import providers
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import selectinload

from benchmarks.peers.models import Flight, IdempotencyKey, Order, OrderItem, OutboxEvent, StatusChange
from benchmarks.peers.orm_views import workflow_view
from benchmarks.peers.shell import serve
from ordersys.bootstrap.orders import OrderContainer
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.domain.orders.order import Status
from ordersys.domain.shared.ids import CustomerId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.postgres import tables
from ordersys.infrastructure.system import SystemClock, TimeOrderedIds
from ordersys.usecase.orders.place_orders import PlaceOrder
from ordersys.usecase.orders.ports import OrderPlaced
from ordersys.usecase.orders.views import ItemView, OrderView, WorkflowView

WHOLE = (
    Order.items, Order.history, Order.payment, Order.tickets, Order.pending, Order.archived, Order.inbox,
    Order.retries, Order.dead_letters,
)  # fmt: skip


@dataclass(slots=True)
class OrmPlacing:
    """In the place of the coalescer: each call for itself."""

    session: async_sessionmaker[AsyncSession]
    ids: TimeOrderedIds
    clock: SystemClock

    async def submit(self, command: PlaceOrder) -> OrderPlaced:
        async with self.session() as session, session.begin():
            key = command.idempotency
            earlier = await session.get(IdempotencyKey, (key.customer_id, key.route, key.key))
            if earlier is not None:
                return OrderPlaced(order=msgspec.json.decode(earlier.outcome, type=OrderView), replayed=True)
            now = self.clock.now()
            items = await self._hold(session, command)
            order = self._order(command, items, now)
            session.add(order)
            view = _view(order)
            session.add(self._event(command, order, now))
            outcome = msgspec.json.encode(view).decode()
            session.add(IdempotencyKey(
                customer_id=key.customer_id, route=key.route, key=key.key, fingerprint=command.fingerprint,
                outcome=outcome, created_at=now,
            ))  # fmt: skip
        return OrderPlaced(order=view)

    async def drained(self) -> None:
        """Requests are waited for by the server."""

    async def _hold(self, session: AsyncSession, command: PlaceOrder) -> list[OrderItem]:
        items = []
        for position, wanted in enumerate(command.items):
            query = select(Flight).where(tables.flights.c.id == wanted.flight_id).with_for_update(key_share=False)
            flight: Any = (await session.scalars(query)).one()
            flight.seats_taken += wanted.seats
            items.append(OrderItem(
                position=position, flight_id=flight.id, seats=wanted.seats, unit_amount=flight.price_amount
            ))  # fmt: skip
        return items

    def _order(self, command: PlaceOrder, items: list[OrderItem], now: datetime) -> Order:
        order_id = self.ids.new()
        return Order(
            id=order_id,
            customer_id=command.customer_id,
            status=str(Status.CREATED),
            payment_method=command.payment_method,
            total_amount=sum(item.seats * item.unit_amount for item in items),
            currency="RUB",
            created_at=now,
            updated_at=now,
            items=items,
            history=[StatusChange(order_id=order_id, to_status=str(Status.CREATED), at=now)],
        )

    def _event(self, command: PlaceOrder, order: Order, now: datetime) -> OutboxEvent:
        payload = {"order_id": order.id, "customer_id": order.customer_id, "items": _view(order).items}
        return OutboxEvent(
            event_id=self.ids.new(),
            aggregatetype="orders",
            aggregateid=order.id,
            type="ordersys.OrderCreated.v1",
            payload=msgspec.json.encode(payload).decode(),
            headers={"source": "order-service", "correlation_id": command.cause.correlation_id},
            shard=order.id.int % 64,
            occurred_at=now,
        )


@dataclass(slots=True)
class OrmWorkflow:
    """In the place of GetWorkflow."""

    session: async_sessionmaker[AsyncSession]

    async def execute(self, order_id: UUID, customer_id: CustomerId | None) -> WorkflowView:
        async with self.session() as session:
            query = select(Order).where(tables.orders.c.id == order_id).options(*map(selectinload, WHOLE))
            if customer_id is not None:
                query = query.where(tables.orders.c.customer_id == customer_id)
            return workflow_view((await session.scalars(query)).one())


def _view(order: Order) -> OrderView:
    return OrderView(
        id=order.id,
        status=order.status,
        items=[
            ItemView(
                flight_id=item.flight_id, seats=item.seats, unit_price=Money(amount=item.unit_amount, currency="RUB")
            )
            for item in order.items
        ],
        total=Money(amount=order.total_amount, currency=order.currency),
        created_at=order.created_at,
        updated_at=order.updated_at,
    )


def exchange(container: OrderContainer, platform: PlatformContainer) -> None:
    engine: AsyncEngine = platform.engine()
    session = async_sessionmaker(engine, expire_on_commit=False)
    container.placing.override(providers.Object(OrmPlacing(session, TimeOrderedIds(), SystemClock())))
    container.get_workflow.override(providers.Object(OrmWorkflow(session)))


if __name__ == "__main__":
    serve(exchange)
