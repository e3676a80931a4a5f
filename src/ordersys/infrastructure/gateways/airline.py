"""The demo airline: gives tickets to everybody, but for the share that the fault point `airline.reject` asks for."""

from dataclasses import dataclass

from ordersys.domain.shared.ids import OrderId
from ordersys.messaging.chaos import AIRLINE_REJECT, Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAirline:
    """Implements usecase.tickets.ports.Airline."""

    faults: Faults

    def refuses(self, order_id: OrderId) -> str | None:
        return "refused_by_airline" if self.faults.strikes(AIRLINE_REJECT) else None
