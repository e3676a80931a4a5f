from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Returns the current time: timezone-aware, in UTC."""

    def now(self) -> datetime: ...
