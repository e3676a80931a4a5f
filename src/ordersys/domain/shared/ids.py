from typing import NewType, Protocol
from uuid import UUID

OrderId = NewType("OrderId", UUID)
FlightId = NewType("FlightId", UUID)
EventId = NewType("EventId", UUID)
CustomerId = NewType("CustomerId", str)


class Ids(Protocol):
    """Makes new ids: UUIDv7, ascending in time within a process."""

    def new(self) -> UUID: ...
