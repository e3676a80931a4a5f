"""The status of an order's tickets. If an order is cancelled before its tickets exist, they are VOIDED in advance, and
none is issued.
"""

from enum import StrEnum


class Ticketing(StrEnum):
    ISSUED = "ISSUED"
    REJECTED = "REJECTED"
    VOIDED = "VOIDED"
