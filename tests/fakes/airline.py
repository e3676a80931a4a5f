"""An airline that refuses whom a test says."""

from dataclasses import dataclass, field

from ordersys.domain.shared.ids import OrderId


@dataclass(slots=True, kw_only=True)
class ScriptedAirline:
    """usecase.tickets.ports.Airline."""

    refused: set[OrderId] = field(default_factory=set)

    def refuses(self, order_id: OrderId) -> str | None:
        return "refused_by_airline" if order_id in self.refused else None
