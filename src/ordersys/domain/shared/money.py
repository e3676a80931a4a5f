from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in minor units (kopecks, cents) of an ISO 4217 currency."""

    amount: int
    currency: str
