"""Events published by the payment-service. Field names and TYPE are public: a change needs a new version."""

from dataclasses import dataclass
from typing import ClassVar

from ordersys.domain.shared.event import Event
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorized(Event):
    TYPE: ClassVar[str] = "ordersys.PaymentAuthorized.v1"
    STREAM: ClassVar[str] = "payments"
    SOURCE: ClassVar[str] = "payment-service"

    order_id: OrderId
    amount: Money
    authorization_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined(Event):
    TYPE: ClassVar[str] = "ordersys.PaymentDeclined.v1"
    STREAM: ClassVar[str] = "payments"
    SOURCE: ClassVar[str] = "payment-service"

    order_id: OrderId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVoided(Event):
    """The authorization was released before the money was captured."""

    TYPE: ClassVar[str] = "ordersys.PaymentVoided.v1"
    STREAM: ClassVar[str] = "payments"
    SOURCE: ClassVar[str] = "payment-service"

    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(Event):
    """The customer was refunded."""

    TYPE: ClassVar[str] = "ordersys.PaymentRefunded.v1"
    STREAM: ClassVar[str] = "payments"
    SOURCE: ClassVar[str] = "payment-service"

    order_id: OrderId
    amount: Money
