"""Request bodies. Unknown fields are refused, so that a misspelt field is not ignored."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

Amount = Annotated[int, Meta(ge=0, le=10**15, description="Amount in minor units, such as kopecks.", examples=[540000])]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 currency code.", examples=["RUB"])]
# Printable, not only white space. A look-ahead, because $ would accept a trailing line break.
Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^(?![\s\S]*[\x00-\x1f\x7f-\x9f])[\s\S]*\S",
        description="Reason, 1 to 200 printable characters.",
        examples=["changed my mind"],
    ),
]


class MoneyBody(Struct, frozen=True, forbid_unknown_fields=True):
    amount: Amount
    currency: Currency


class ItemBody(Struct, frozen=True, forbid_unknown_fields=True):
    flight_id: UUID
    seats: Annotated[int, Meta(ge=1, le=100, examples=[1])]


class OrderBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`expected_total`: refuse the order if its total differs."""

    items: Annotated[Sequence[ItemBody], Meta(min_length=1, max_length=100)]
    payment_method: Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,50}$", examples=["pm_ok"])] = "pm_ok"
    expected_total: MoneyBody | None = None


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason
