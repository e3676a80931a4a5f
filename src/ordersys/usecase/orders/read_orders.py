"""Read orders: an order, a page of them, the whole workflow of one. Another customer's order does not exist."""

from dataclasses import dataclass
from uuid import UUID

from ordersys.domain.orders.order import Status
from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.domain.shared.ids import CustomerId
from ordersys.usecase.orders.ports import OrderReads
from ordersys.usecase.orders.views import OrderPage, OrderView, WorkflowView
from ordersys.usecase.orders.waiting import WaitingRules
from ordersys.usecase.shared.cursor import position


class OrderNotFound(DomainError):
    def __init__(self) -> None:
        super().__init__("order_not_found", Kind.NOT_FOUND, "there is no such order")


class BadStatus(DomainError):
    def __init__(self, status: str) -> None:
        super().__init__("bad_status", Kind.INVALID, f"{status[:40]!r} is no status; there are {', '.join(Status)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrder:
    reads: OrderReads

    async def execute(self, order_id: UUID, customer_id: CustomerId | None) -> OrderView:
        """`customer_id` None: whoever owns it. Raises OrderNotFound."""
        order = await self.reads.order(order_id, customer_id)
        if order is None:
            raise OrderNotFound
        return order


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrders:
    reads: OrderReads

    async def execute(
        self, customer_id: CustomerId, *, status: str | None, cursor: str | None, limit: int
    ) -> OrderPage:
        """The newest first. `cursor` is the `next_cursor` of the page before. Raises BadCursor or BadStatus."""
        if status is not None and status not in Status.__members__:
            raise BadStatus(status)
        return await self.reads.page(customer_id, status=status, before=position(cursor), limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWorkflow:
    reads: OrderReads
    rules: WaitingRules

    async def execute(self, order_id: UUID, customer_id: CustomerId | None) -> WorkflowView:
        """`customer_id` None: whoever owns it. Raises OrderNotFound."""
        workflow = await self.reads.workflow(order_id, customer_id)
        if workflow is None:
            raise OrderNotFound
        return self.rules.explained(workflow)
