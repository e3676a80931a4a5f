from typing import NewType, Protocol
from uuid import UUID

OrderId = NewType("OrderId", UUID)
FlightId = NewType("FlightId", UUID)
EventId = NewType("EventId", UUID)
CustomerId = NewType("CustomerId", str)


class Ids(Protocol):
    """Returns new ids: UUIDv7, ascending within a process."""

    def new(self) -> UUID: ...
