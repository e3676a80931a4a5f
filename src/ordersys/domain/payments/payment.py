"""What may a payment do? REQUESTED is the intent to call the gateway; an answer ends it."""

from dataclasses import dataclass
from enum import StrEnum

from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money


class PaymentStatus(StrEnum):
    REQUESTED = "REQUESTED"
    AUTHORIZED = "AUTHORIZED"
    DECLINED = "DECLINED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """The gateway holds the money. `authorization_id` is the gateway's own reference."""

    authorization_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The gateway will not take the money; asking again would give the same answer."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """It is not known what the gateway did: the same question must be asked again, with the same key."""

    error: str


Answer = Authorized | Declined | Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the gateway is asked for. The order id is the idempotency key of every call for this order."""

    order_id: OrderId
    amount: Money
    method: str
