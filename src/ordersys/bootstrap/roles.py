"""What runs in role X? One function per role says it; `entrypoint.runtime` runs what they say.

One loop of each role tells when PostgreSQL is away: the one that asks it most; Kafka's clients tell of Kafka
themselves. All other loops are watched by SilentObserver.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from dependency_injector import providers

from ordersys.bootstrap.catalog import CatalogContainer
from ordersys.bootstrap.dead_letters import DeadLetterContainer, dead_letter_container
from ordersys.bootstrap.extension import Extend, HttpExtension, not_extended
from ordersys.bootstrap.messaging import ConsumerContainer, RelayContainer, UseCases, group_lags
from ordersys.bootstrap.notifications import notification_loop
from ordersys.bootstrap.orders import OrderContainer
from ordersys.bootstrap.payments import PaymentContainer
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.bootstrap.tickets import TicketContainer
from ordersys.config import Role, Settings
from ordersys.domain.shared.ids import Ids
from ordersys.entrypoint.http.health import Check, Health
from ordersys.entrypoint.http.health_app import HealthApp
from ordersys.entrypoint.runtime import Assembly, run
from ordersys.entrypoint.timers.samplers import GroupLagSampler, LagSampler, OutboxSampler
from ordersys.infrastructure.telemetry import logs, trace
from ordersys.messaging.envelope import Cause
from ordersys.messaging.loop import Loop, LoopObserver, SilentObserver
from ordersys.messaging.topics import ORDER_SERVICE, PAYMENT_SERVICE, TICKET_SERVICE
from ordersys.usecase.orders.advance_orders import AdvanceOrders
from ordersys.usecase.payments.change_payments import ChangePayments
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTickets

SAMPLE_SECONDS: Final = 2.0
LAG_SECONDS: Final = 5.0
DEADLINE_SECONDS: Final = 1.0
PARTITION_SECONDS: Final = 3600.0
PRUNE_BUSY_SECONDS: Final = 1.0
PRUNE_SECONDS: Final = 60.0


async def run_role(role: Role, settings: Settings, extend: Extend = not_extended) -> None:
    """Runs one role until SIGTERM or SIGINT, then drains it. Raises what ended it, if that was neither."""
    name = settings.instance or role
    logs.configure(f"ordersys-{role}", settings.log, instance=name)
    platform = PlatformContainer(settings=settings, name=name, extend=providers.Object(extend))
    await run(lambda: assemble(role, platform), settings, role)


def assemble(role: Role, platform: PlatformContainer) -> Assembly:
    assembly = ASSEMBLIES[role](platform)
    assembly.loops.extend(platform.extension().loops)
    return assembly


def api(platform: PlatformContainer) -> Assembly:
    # Here and not above: the other roles start the faster for it.
    from ordersys.bootstrap.page import page_container, page_loops, page_needs
    from ordersys.entrypoint.http.app import build_api
    from ordersys.entrypoint.http.order_routes import OrderPlacement
    from ordersys.entrypoint.http.page import with_page
    from ordersys.entrypoint.http.tokens import Tokens

    settings: Settings = platform.settings()
    orders = order_container(platform)
    catalog = CatalogContainer(engine=platform.engine)
    lags = group_lags(settings.kafka)
    page = page_container(platform, orders, lags)
    health = _health("api", platform, {})
    more: HttpExtension = platform.extension().http()
    causes = partial(_cause, platform.ids())
    placement = OrderPlacement(coalescer=orders.placing(), causes=causes)
    app = build_api(
        provide={
            "health": lambda: health,
            "render": lambda: platform.metrics().render,
            "placement": lambda: placement,
            "causes": lambda: causes,
            **_order_needs(orders),
            **_dead_letter_needs(dead_letter_container(platform)),
            "search_flights": catalog.search_flights,
            "get_flight": catalog.get_flight,
            **page_needs(page),
            **more.provide,
        },
        tokens=Tokens(settings.auth),
        observe=platform.metrics().answered,
        max_body_bytes=settings.http.max_body_bytes,
        more=more.routes,
    )
    backlog = OutboxSampler(backlog=platform.outbox_queue().backlog, show=platform.metrics().outbox)
    lag = GroupLagSampler(lags=lags.read, show=platform.metrics().lag)
    return Assembly(
        app=with_page(app, Path(settings.http.page)),
        health=health,
        loops=[
            _timer("outbox-sampler", backlog.run_once, SAMPLE_SECONDS, platform.loop_log()),
            _timer("lag-sampler", lag.run_once, LAG_SECONDS, SilentObserver()),
            *page_loops(page, platform.loop_log()),
        ],
        ending=[page.order_watch().close, *more.ending],
        leaving=[
            orders.placing().drained,
            page.reader().close,
            lags.close,
            *more.leaving,
            *_closing_steps(platform),
        ],
        takes_requests=True,
    )


def _order_needs(orders: OrderContainer) -> Mapping[str, Callable[[], Any]]:
    """By the names that the routes use, as all of these."""
    return {
        "cancel_orders": orders.cancel_orders,
        "refund_orders": orders.refund_orders,
        "get_order": orders.get_order,
        "list_orders": orders.list_orders,
        "get_workflow": orders.get_workflow,
    }


def _dead_letter_needs(letters: DeadLetterContainer) -> Mapping[str, Callable[[], Any]]:
    return {
        "list_dead_letters": letters.list_dead_letters,
        "get_dead_letter": letters.get_dead_letter,
        "plan_replay": letters.plan_replay,
        "replay_dead_letters": letters.replay_dead_letters,
        "discard_dead_letters": letters.discard_dead_letters,
    }


def worker(platform: PlatformContainer) -> Assembly:
    settings: Settings = platform.settings()
    outbox = relay_container(platform)
    publisher, relay, notified_relay, reader = (
        outbox.publisher(),
        outbox.relay(),
        outbox.notified_relay(),
        outbox.reader(),
    )
    expire = order_container(platform).expire_orders()
    health = _health("worker", platform, {"kafka": _connected(publisher)})
    sampler = OutboxSampler(backlog=platform.outbox_queue().backlog, show=platform.metrics().outbox)
    keeper = platform.partition_maintenance()
    relaying = Loop(
        name="relay",
        run_once=notified_relay.run_once,
        observer=platform.loop_log(),
        wake=notified_relay.wake,
        busy=settings.relay.busy_poll_ms / 1000,
        linger=settings.relay.linger_ms / 1000,
        longest=notified_relay.pause,
    )
    return Assembly(
        app=HealthApp(health=health, render=platform.metrics().render),
        health=health,
        starting=[publisher.warm_up],
        loops=[
            relaying,
            notification_loop(reader, notified_relay.begun, SilentObserver()),
            _timer("outbox-sampler", sampler.run_once, SAMPLE_SECONDS, SilentObserver()),
            _timer("order-deadlines", expire.run_once, DEADLINE_SECONDS, SilentObserver()),
            _timer("archive-partitions", keeper.run_once, PARTITION_SECONDS, SilentObserver()),
            _retention(platform),
        ],
        leaving=[relay.leave, publisher.close, reader.close, *_closing_steps(platform)],
    )


def consumer(platform: PlatformContainer) -> Assembly:
    orders = order_container(platform)
    use_cases: UseCases = {AdvanceOrders: orders.advance_orders}
    return _service("consumer", platform, ORDER_SERVICE, use_cases, platform.loop_log())


def ticket(platform: PlatformContainer) -> Assembly:
    tickets = ticket_container(platform)
    use_cases: UseCases = {IssueTickets: tickets.issue_tickets, VoidTickets: tickets.void_tickets}
    return _service("ticket", platform, TICKET_SERVICE, use_cases, platform.loop_log())


def payment(platform: PlatformContainer) -> Assembly:
    settings: Settings = platform.settings()
    payments = payment_container(platform)
    dispatcher = payments.dispatcher()
    use_cases: UseCases = {RequestPayments: payments.request_payments, ChangePayments: payments.change_payments}
    assembly = _service("payment", platform, PAYMENT_SERVICE, use_cases, SilentObserver())
    dispatching = Loop(
        name="payment-dispatcher",
        run_once=dispatcher.run_once,
        observer=platform.loop_log(),
        wake=payments.wake(),
        idle=settings.payments.idle_poll_ms / 1000,
    )
    assembly.loops.append(dispatching)
    assembly.leaving.insert(0, dispatcher.drained)
    return assembly


ASSEMBLIES: Final[Mapping[Role, Callable[[PlatformContainer], Assembly]]] = {
    "api": api,
    "worker": worker,
    "consumer": consumer,
    "payment": payment,
    "ticket": ticket,
}


def order_container(platform: PlatformContainer) -> OrderContainer:
    return OrderContainer(
        unit_of_work=platform.unit_of_work,
        engine=platform.engine,
        clock=platform.clock,
        ids=platform.ids,
        meter=platform.metrics,
        settings=platform.settings.provided.orders,
        coalescing=platform.settings.provided.coalescer,
    )


def payment_container(platform: PlatformContainer) -> PaymentContainer:
    return PaymentContainer(
        unit_of_work=platform.unit_of_work,
        autocommit=platform.autocommit,
        engine=platform.engine,
        clock=platform.clock,
        ids=platform.ids,
        extension=platform.extension,
        meter=platform.metrics,
        name=platform.name,
        settings=platform.settings.provided.payments,
        coalescing=platform.settings.provided.coalescer,
    )


def ticket_container(platform: PlatformContainer) -> TicketContainer:
    return TicketContainer(
        unit_of_work=platform.unit_of_work, clock=platform.clock, ids=platform.ids, extension=platform.extension
    )


def relay_container(platform: PlatformContainer) -> RelayContainer:
    return RelayContainer(
        engine=platform.engine,
        queue=platform.outbox_queue,
        extension=platform.extension,
        meter=platform.metrics,
        name=platform.name,
        settings=platform.settings.provided.relay,
        kafka=platform.settings.provided.kafka,
        redis=platform.settings.provided.redis,
    )


def consumer_container(platform: PlatformContainer, group: str, use_cases: UseCases) -> ConsumerContainer:
    return ConsumerContainer(
        group=group,
        use_cases=providers.Object(use_cases),
        unit_of_work=platform.unit_of_work,
        extension=platform.extension,
        meter=platform.metrics,
        name=platform.name,
        kafka=platform.settings.provided.kafka,
        settings=platform.settings.provided.retries,
    )


def _service(
    role: Role, platform: PlatformContainer, group: str, use_cases: UseCases, observer: LoopObserver
) -> Assembly:
    """A role that consumes: one member of one group."""
    container = consumer_container(platform, group, use_cases)
    stream = container.stream()
    health = _health(role, platform, {"kafka": _connected(stream)})
    sampler = LagSampler(consumer=group, lag=stream.lag, show=platform.metrics().lag)
    settings: Settings = platform.settings()
    consuming = Loop(name=group, run_once=container.consumer().run_once, observer=observer, wake=asyncio.Event())
    retrying = Loop(
        name="retries",
        run_once=container.retry_loop().run_once,
        observer=SilentObserver(),
        wake=asyncio.Event(),
        idle=settings.retries.idle_poll_ms / 1000,
    )
    return Assembly(
        app=HealthApp(health=health, render=platform.metrics().render),
        health=health,
        loops=[consuming, retrying, _timer("lag-sampler", sampler.run_once, SAMPLE_SECONDS, SilentObserver())],
        leaving=[stream.close, *_closing_steps(platform)],
    )


def _closing_steps(platform: PlatformContainer) -> Sequence[Callable[[], Awaitable[None]]]:
    """What every role leaves last."""
    return [platform.notifier().close, platform.engine().dispose]


def _health(role: Role, platform: PlatformContainer, checks: Mapping[str, Check]) -> Health:
    return Health(role=role, checks={"postgres": platform.postgres_probe().answers, **checks})


def _connected(client: Any) -> Check:
    async def check() -> bool:
        return bool(client.connected)

    return check


def _retention(platform: PlatformContainer) -> Loop:
    return Loop(
        name="retention",
        run_once=platform.retention().run_once,
        observer=SilentObserver(),
        wake=asyncio.Event(),
        busy=PRUNE_BUSY_SECONDS,
        idle=PRUNE_SECONDS,
    )


def _timer(name: str, run_once: Callable[[], Awaitable[int]], seconds: float, observer: LoopObserver) -> Loop:
    return Loop(name=name, run_once=run_once, observer=observer, wake=asyncio.Event(), busy=seconds, idle=seconds)


def _cause(ids: Ids, traceparent: str) -> Cause:
    """A request is the beginning of a correlation; it goes on with the caller's trace if there is one."""
    return Cause(correlation_id=str(ids.new()), traceparent=trace.continued(traceparent).header)
