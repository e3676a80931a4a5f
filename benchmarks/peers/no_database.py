"""The ceiling of `POST /orders`: everything but the database. The order is made, answered and forgotten.

`python -m benchmarks.peers.no_database`
"""

from typing import Final

from dependency_injector import providers

from benchmarks.peers.shell import serve
from ordersys.bootstrap.orders import OrderContainer
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.domain.orders.order import Item, Order, Status
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money
from ordersys.infrastructure.system import SystemClock, TimeOrderedIds
from ordersys.usecase.orders.place_orders import PlaceOrder
from ordersys.usecase.orders.ports import OrderPlaced
from ordersys.usecase.orders.views import order_view

PRICE: Final = Money(amount=540_000, currency="RUB")


class Forgetful:
    """In the place of the coalescer."""

    def __init__(self) -> None:
        self._ids, self._clock = TimeOrderedIds(), SystemClock()

    async def submit(self, command: PlaceOrder) -> OrderPlaced:
        now = self._clock.now()
        items = tuple(Item(flight_id=item.flight_id, seats=item.seats, unit_price=PRICE) for item in command.items)
        order = Order(
            id=OrderId(self._ids.new()),
            customer_id=command.customer_id,
            status=Status.CREATED,
            items=items,
            total=Money(amount=sum(item.seats for item in items) * PRICE.amount, currency=PRICE.currency),
            payment_method=command.payment_method,
            created_at=now,
            updated_at=now,
        )
        return OrderPlaced(order=order_view(order))

    async def drained(self) -> None:
        """Nothing is ever under way."""


def exchange(container: OrderContainer, _: PlatformContainer) -> None:
    container.placing.override(providers.Object(Forgetful()))


if __name__ == "__main__":
    serve(exchange)
