"""Watch orders: their workflows, for callers that show every change. Many orders are one read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from ordersys.domain.shared.ids import CustomerId
from ordersys.usecase.orders.ports import OrderReads
from ordersys.usecase.orders.read_orders import GetWorkflow
from ordersys.usecase.orders.views import WorkflowView
from ordersys.usecase.orders.waiting import WaitingRules, ended


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedWorkflow:
    """`ended`: a final status, and nothing to wait for. `at_rest`: nor is any event of the order on its way."""

    workflow: WorkflowView
    ended: bool
    at_rest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOrders:
    reads: OrderReads
    rules: WaitingRules

    async def read(self, order_id: UUID, customer_id: CustomerId | None) -> WatchedWorkflow:
        """`customer_id` None: an order of any customer. Raises OrderNotFound."""
        get = GetWorkflow(reads=self.reads, rules=self.rules)
        return self._watched(await get.execute(order_id, customer_id))

    async def read_again(self, order_ids: Collection[UUID]) -> Mapping[UUID, WatchedWorkflow]:
        """For callers that `read` has allowed to see these orders."""
        workflows = await self.reads.workflows(order_ids)
        return {order_id: self._watched(self.rules.explained(workflow)) for order_id, workflow in workflows.items()}

    def _watched(self, workflow: WorkflowView) -> WatchedWorkflow:
        return WatchedWorkflow(workflow=workflow, ended=ended(workflow), at_rest=self.rules.at_rest(workflow))
