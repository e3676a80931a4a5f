"""What became of one order's tickets. A cancelled order's tickets are VOIDED before they exist: then none are ever
issued.
"""

from enum import StrEnum


class Ticketing(StrEnum):
    ISSUED = "ISSUED"
    REJECTED = "REJECTED"
    VOIDED = "VOIDED"
