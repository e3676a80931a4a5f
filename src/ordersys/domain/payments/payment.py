"""What may a payment do? Two tables define it: `ASKED` for what events ask of it, `ANSWERED` for what the gateway
answers. Two more say what a status means: `CALLS`, which call it waits for, and `OUTCOMES`, what it came to.

A status that waits for the gateway (`CALLS`) is at the same time the intent to call it; the answer ends it. A
payment that is asked for something it has outlived stays as it is: events come late and more than once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ordersys.domain.payments.errors import IllegalPaymentMove
from ordersys.domain.shared.ids import OrderId
from ordersys.domain.shared.money import Money


class PaymentStatus(StrEnum):
    REQUESTED = "REQUESTED"
    AUTHORIZED = "AUTHORIZED"
    DECLINED = "DECLINED"
    CAPTURING = "CAPTURING"
    CAPTURED = "CAPTURED"
    VOIDING = "VOIDING"
    VOIDED = "VOIDED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"


class Call(StrEnum):
    """What the gateway can be asked. RELEASE gives back whatever it holds, be that authorized or captured."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    RELEASE = "release"


CALLS: Final[Mapping[PaymentStatus, Call]] = {
    PaymentStatus.REQUESTED: Call.AUTHORIZE,
    PaymentStatus.CAPTURING: Call.CAPTURE,
    PaymentStatus.VOIDING: Call.RELEASE,
    PaymentStatus.REFUNDING: Call.RELEASE,
}


class PaymentOutcome(StrEnum):
    """CAPTURED: the money is ours. RELEASED: the gateway holds no money of this order, and never will again."""

    CAPTURED = "captured"
    RELEASED = "released"


OUTCOMES: Final[Mapping[PaymentStatus, PaymentOutcome]] = {
    PaymentStatus.CAPTURED: PaymentOutcome.CAPTURED,
    PaymentStatus.DECLINED: PaymentOutcome.RELEASED,
    PaymentStatus.VOIDED: PaymentOutcome.RELEASED,
    PaymentStatus.REFUNDED: PaymentOutcome.RELEASED,
}

# The money is released, or the gateway is being asked to release it: no event can ask for anything else.
GIVEN_UP: Final = frozenset(
    status
    for status in PaymentStatus
    if CALLS.get(status) is Call.RELEASE or OUTCOMES.get(status) is PaymentOutcome.RELEASED
)


class Demand(StrEnum):
    """What an event asks of a payment: take the money, give it up, give it back."""

    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


ASKED: Final[Mapping[tuple[PaymentStatus, Demand], PaymentStatus]] = {
    (PaymentStatus.AUTHORIZED, Demand.CAPTURE): PaymentStatus.CAPTURING,
    (PaymentStatus.CAPTURING, Demand.CAPTURE): PaymentStatus.CAPTURING,
    (PaymentStatus.CAPTURED, Demand.CAPTURE): PaymentStatus.CAPTURED,
    (PaymentStatus.REQUESTED, Demand.CANCEL): PaymentStatus.VOIDING,
    (PaymentStatus.AUTHORIZED, Demand.CANCEL): PaymentStatus.VOIDING,
    (PaymentStatus.CAPTURING, Demand.CANCEL): PaymentStatus.REFUNDING,
    (PaymentStatus.CAPTURED, Demand.CANCEL): PaymentStatus.REFUNDING,
    (PaymentStatus.AUTHORIZED, Demand.REFUND): PaymentStatus.REFUNDING,
    (PaymentStatus.CAPTURING, Demand.REFUND): PaymentStatus.REFUNDING,
    (PaymentStatus.CAPTURED, Demand.REFUND): PaymentStatus.REFUNDING,
    **{(status, demand): status for status in GIVEN_UP for demand in Demand},
}


def asked(status: PaymentStatus, demand: Demand) -> PaymentStatus:
    """The status that the demand leads to; the same one when nothing is left to do. Raises IllegalPaymentMove."""
    try:
        return ASKED[status, demand]
    except KeyError:
        raise IllegalPaymentMove(status, demand) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """The gateway holds the money. `authorization_id` is the gateway's own reference."""

    authorization_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The gateway will not take the money; asking again would give the same answer."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The gateway has captured or released the money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """It is not known what the gateway did: the same question must be asked again, with the same key."""

    error: str


Settled = Authorized | Declined | Done
Answer = Settled | Unanswered

ANSWERED: Final[Mapping[tuple[PaymentStatus, type[Settled]], PaymentStatus]] = {
    (PaymentStatus.REQUESTED, Authorized): PaymentStatus.AUTHORIZED,
    (PaymentStatus.REQUESTED, Declined): PaymentStatus.DECLINED,
    (PaymentStatus.CAPTURING, Done): PaymentStatus.CAPTURED,
    (PaymentStatus.VOIDING, Done): PaymentStatus.VOIDED,
    (PaymentStatus.REFUNDING, Done): PaymentStatus.REFUNDED,
}


def answered(status: PaymentStatus, answer: Settled) -> PaymentStatus:
    """The status after the gateway's answer. Raises IllegalPaymentMove for an answer to another question."""
    try:
        return ANSWERED[status, type(answer)]
    except KeyError:
        raise IllegalPaymentMove(status, type(answer).__name__) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the gateway is asked for. The order id is the idempotency key of every call for this order."""

    order_id: OrderId
    amount: Money
    method: str
