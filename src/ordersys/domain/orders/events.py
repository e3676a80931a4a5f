"""What the order-service tells the others. Field names and TYPE are public and golden: a change is a new version."""

from dataclasses import dataclass
from typing import ClassVar

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import CustomerId, FlightId, OrderId
from ordersys.domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedItem:
    flight_id: FlightId
    seats: int
    unit_price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated(Event):
    TYPE: ClassVar[str] = "ordersys.OrderCreated.v1"
    STREAM: ClassVar[str] = "orders"
    SOURCE: ClassVar[str] = "order-service"

    order_id: OrderId
    customer_id: CustomerId
    items: tuple[OrderedItem, ...]
    total: Money
    payment_method: str
