from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import CoalescerSettings, OrdersSettings
from ordersys.domain.orders.placing import Limits
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids
from ordersys.entrypoint.coalescer import Coalescer
from ordersys.entrypoint.consumers.subscriptions import subscribers
from ordersys.infrastructure.postgres.order_reads import PostgresOrderReads
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from ordersys.usecase.orders.cancel_orders import CancelOrders, ExpireOrders
from ordersys.usecase.orders.place_orders import PlaceOrders
from ordersys.usecase.orders.ports import OrderMeter
from ordersys.usecase.orders.read_orders import GetOrder, GetWorkflow, ListOrders
from ordersys.usecase.orders.refund_orders import RefundOrders
from ordersys.usecase.orders.waiting import WaitingRules
from ordersys.usecase.orders.watch_orders import WatchOrders


def coalesced(
    execute: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]], how: CoalescerSettings
) -> Coalescer[Any, Any]:
    return Coalescer(
        execute=execute,
        batch_size=how.batch_size,
        batches_in_flight=how.batches_in_flight,
        queue_size=how.queue_size,
    )


class OrderContainer(containers.DeclarativeContainer):
    unit_of_work: providers.Dependency[UnitOfWork[Any]] = providers.Dependency()
    engine = providers.Dependency(instance_of=AsyncEngine)
    clock: providers.Dependency[Clock] = providers.Dependency()
    ids: providers.Dependency[Ids] = providers.Dependency()
    meter: providers.Dependency[OrderMeter] = providers.Dependency()
    settings = providers.Dependency(instance_of=OrdersSettings)
    coalescing = providers.Dependency(instance_of=CoalescerSettings)

    reads = providers.Singleton(PostgresOrderReads, engine=engine)
    limits = providers.Factory(Limits, max_items=settings.provided.max_items, max_seats=settings.provided.max_seats)
    keys_kept = providers.Factory(timedelta, hours=settings.provided.idempotency_hours)

    place_orders = providers.Factory(
        PlaceOrders, unit_of_work=unit_of_work, clock=clock, ids=ids, meter=meter, limits=limits, keys_kept=keys_kept
    )
    placing = providers.Singleton(coalesced, place_orders.provided.execute, coalescing)
    cancel_orders = providers.Factory(CancelOrders, unit_of_work=unit_of_work, clock=clock, ids=ids, meter=meter)
    refund_orders = providers.Factory(RefundOrders, unit_of_work=unit_of_work, clock=clock, ids=ids, meter=meter)
    deadline = providers.Factory(timedelta, seconds=settings.provided.deadline_seconds)
    expire_orders = providers.Factory(
        ExpireOrders, unit_of_work=unit_of_work, clock=clock, ids=ids, meter=meter, deadline=deadline
    )
    advance_orders = providers.Factory(AdvanceOrders, unit_of_work=unit_of_work, clock=clock, meter=meter)
    get_order = providers.Factory(GetOrder, reads=reads)
    list_orders = providers.Factory(ListOrders, reads=reads)
    waiting_rules = providers.Singleton(WaitingRules, subscribers=providers.Callable(subscribers), deadline=deadline)
    get_workflow = providers.Factory(GetWorkflow, reads=reads, rules=waiting_rules)
    watch_orders = providers.Factory(WatchOrders, reads=reads, rules=waiting_rules)
