"""Events published by the order-service. Field names and TYPE are public: a change needs a new version."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(Event):
    """Cancelled by the customer, or after its deadline. Payments and tickets are undone, even those that come late."""

    TYPE: ClassVar[str] = "ordersys.OrderCancelled.v1"
    STREAM: ClassVar[str] = "orders"
    SOURCE: ClassVar[str] = "order-service"

    order_id: OrderId
    total: Money
    payment_method: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested(Event):
    """The customer returns a completed purchase: tickets are voided first, then the payment is refunded."""

    TYPE: ClassVar[str] = "ordersys.RefundRequested.v1"
    STREAM: ClassVar[str] = "orders"
    SOURCE: ClassVar[str] = "order-service"

    order_id: OrderId
    reason: str
