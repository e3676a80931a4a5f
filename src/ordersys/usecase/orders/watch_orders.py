"""Watch orders: how they stand, for callers who want to see every change. Many orders are one read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from ordersys.domain.shared.ids import CustomerId
from ordersys.usecase.orders.ports import OrderReads
from ordersys.usecase.orders.read_orders import GetWorkflow
from ordersys.usecase.orders.views import WorkflowView
from ordersys.usecase.orders.waiting import Expectations, ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`ended`: a final status, and nothing to wait for. `at_rest`: nor is anything of it still on its way."""

    flow: WorkflowView
    ended: bool
    at_rest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOrders:
    reads: OrderReads
    expectations: Expectations

    async def first(self, order_id: UUID, customer_id: CustomerId | None) -> Glance:
        """`customer_id` None: whoever owns it. Raises OrderNotFound."""
        get = GetWorkflow(reads=self.reads, expectations=self.expectations)
        return self._glance(await get.execute(order_id, customer_id))

    async def again(self, order_ids: Collection[UUID]) -> Mapping[UUID, Glance]:
        """For those who were shown them before; that these may see them was asked then."""
        flows = await self.reads.workflows(order_ids)
        return {order_id: self._glance(self.expectations.explained(flow)) for order_id, flow in flows.items()}

    def _glance(self, flow: WorkflowView) -> Glance:
        return Glance(flow=flow, ended=ended(flow), at_rest=self.expectations.at_rest(flow))
