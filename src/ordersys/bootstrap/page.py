"""What the web page needs of the api role besides orders and flights."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.notifications import IDLE_SECONDS, channel_opener, notification_loop
from ordersys.bootstrap.orders import OrderContainer
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import Settings
from ordersys.domain.shared.clock import Clock
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS
from ordersys.entrypoint.http.ops_lag import LagCache
from ordersys.entrypoint.http.tokens import DemoTokens
from ordersys.entrypoint.order_watch import OrderWatch
from ordersys.infrastructure.kafka.group_lags import GroupLags
from ordersys.infrastructure.postgres.backlog_reads import PostgresBacklogReads
from ordersys.messaging.loop import Loop, LoopObserver, SilentObserver
from ordersys.messaging.notifications import NotificationReader
from ordersys.usecase.operations.measure_lag import MeasureLag
from ordersys.usecase.operations.ports import PartitionLags
from ordersys.usecase.orders.watch_orders import WatchOrders


class PageContainer(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    name = providers.Dependency(instance_of=str)
    clock: providers.Dependency[Clock] = providers.Dependency()
    engine = providers.Dependency(instance_of=AsyncEngine)
    lags: providers.Dependency[PartitionLags] = providers.Dependency()
    watch_orders = providers.Dependency(instance_of=WatchOrders)

    watching = settings.provided.watching
    order_watch = providers.Singleton(
        OrderWatch,
        orders=watch_orders,
        ticker=providers.Object(monotonic),
        max_watchers=watching.max_streams,
        poll_seconds=watching.poll_seconds,
        disconnected_poll_seconds=watching.disconnected_poll_seconds,
    )
    reader = providers.Singleton(
        NotificationReader,
        open=providers.Callable(channel_opener, settings.provided.redis, name),
        subscriber=order_watch,
    )
    backlog = providers.Singleton(PostgresBacklogReads, engine=engine)
    measure_lag = providers.Factory(
        MeasureLag, reads=backlog, lags=lags, clock=clock, consumers=providers.Object(tuple(SUBSCRIPTIONS))
    )
    lag_cache = providers.Singleton(LagCache, measure=measure_lag, ticker=providers.Object(monotonic))
    demo_tokens = providers.Singleton(DemoTokens, settings=settings.provided.auth, clock=clock)


def page_container(platform: PlatformContainer, orders: OrderContainer, lags: GroupLags) -> PageContainer:
    return PageContainer(
        settings=platform.settings,
        name=platform.name,
        clock=platform.clock,
        engine=platform.engine,
        lags=providers.Object(lags),
        watch_orders=orders.watch_orders,
    )


def page_needs(page: PageContainer) -> Mapping[str, Callable[[], Any]]:
    """By the names that the routes use."""
    return {
        "order_watch": page.order_watch,
        "lag_cache": page.lag_cache,
        "demo_tokens": page.demo_tokens,
    }


def page_loops(page: PageContainer, observer: LoopObserver) -> Sequence[Loop]:
    watching, reader = page.order_watch(), page.reader()
    return [
        Loop(
            name="order-watch",
            run_once=watching.run_once,
            observer=SilentObserver(),
            wake=watching.wake,
            idle=IDLE_SECONDS,
        ),
        notification_loop(reader, watching.begun, observer),
    ]
