"""The demo airline: issues a ticket for every order unless it is made to refuse."""

from collections.abc import Callable
from dataclasses import dataclass

from ordersys.domain.shared.ids import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAirline:
    """Implements usecase.tickets.ports.Airline. `refusing` is asked once per order."""

    refusing: Callable[[], bool]

    def refuses(self, order_id: OrderId) -> str | None:
        return "refused_by_airline" if self.refusing() else None
