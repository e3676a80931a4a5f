"""Fault points are wired where chaos may be on, and nowhere else: production runs on the product's own parts."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import pytest
from dependency_injector import providers

from ordersys.bootstrap import roles
from ordersys.bootstrap.extension import Extend, Extension, never, not_extended, unchanged
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import ROLES, KafkaSettings, Role, Settings
from ordersys.entrypoint.consumers.dispatch import Dispatch
from ordersys.infrastructure.kafka.producer import KafkaPublisher
from ordersys.infrastructure.postgres.unit_of_work import PostgresAutocommit, PostgresUnitOfWork
from ordersys.messaging.topics import ORDER_SERVICE
from ordersys.workshop.chaos.handling import BlippingAutocommit, BlippingUnitOfWork, FailingHandler
from ordersys.workshop.chaos.publishing import DroppingPublisher
from ordersys.workshop.extension import extend

Environment = Literal["demo", "production"]
NOBODY: Final = KafkaSettings(bootstrap_servers="127.0.0.1:1")
OWN_PARTS: Final = (Dispatch, KafkaPublisher, PostgresUnitOfWork, PostgresAutocommit)
FAULTY_PARTS: Final = (FailingHandler, DroppingPublisher, BlippingUnitOfWork, BlippingAutocommit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    handler: Any
    publisher: Any
    unit_of_work: Any
    autocommit: Any

    @property
    def types(self) -> tuple[type, ...]:
        return tuple(type(part) for part in (self.handler, self.publisher, self.unit_of_work, self.autocommit))


Wire = Callable[[Environment, Extend], Wired]


def platform_of(environment: Environment, extend: Extend) -> PlatformContainer:
    settings = Settings(environment=environment, kafka=NOBODY)
    return PlatformContainer(settings=settings, name="wired", extend=providers.Object(extend))


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """What runs in a role of this environment; nothing is connected to."""
    opened: list[Callable[[], Any]] = []

    def wired(environment: Environment, extend: Extend) -> Wired:
        platform = platform_of(environment, extend)
        consuming, relaying = roles.consumer_container(platform, ORDER_SERVICE, {}), roles.relay_container(platform)
        opened.extend([consuming.stream().close, relaying.publisher().close, platform.engine().dispose])
        consumer = consuming.consumer()
        assert consumer.handle is consuming.retry_loop().handle
        return Wired(
            handler=consumer.handle,
            publisher=relaying.relay().publisher,
            unit_of_work=consumer.unit_of_work,
            autocommit=platform.autocommit(),
        )

    yield wired
    for close in opened:
        await close()


async def test_production_runs_on_the_products_own_parts(wire: Wire) -> None:
    assert wire("production", extend).types == OWN_PARTS


async def test_the_product_alone_runs_on_its_own_parts(wire: Wire) -> None:
    assert wire("demo", not_extended).types == OWN_PARTS


async def test_the_demo_has_a_fault_point_around_each_of_them(wire: Wire) -> None:
    assert wire("demo", extend).types == FAULTY_PARTS


async def test_the_demo_adapters_draw_faults_where_chaos_may_be_on() -> None:
    def predicates(platform: PlatformContainer) -> list[Callable[[], bool]]:
        tickets, payments = roles.ticket_container(platform), roles.payment_container(platform)
        return [tickets.airline().refusing, payments.gateway().silent]

    assert predicates(platform_of("production", extend)) == [never, never]
    assert never not in predicates(platform_of("demo", extend))


async def test_an_extension_changes_nothing_by_default() -> None:
    neutral = Extension()

    assert {neutral.publisher, neutral.handler, neutral.unit_of_work, neutral.autocommit} == {unchanged}
    assert (neutral.http().routes, neutral.http().provide, neutral.loops) == ((), {}, ())


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_is_assembled_with_the_workshop(role: Role) -> None:
    platform = platform_of("demo", extend)

    assembly = roles.assemble(role, platform)

    assert len({loop.name for loop in assembly.loops}) == len(assembly.loops)
    assert "chaos-rates" in {loop.name for loop in assembly.loops}
    for leave in assembly.leaving:
        if leave.__name__ != "leave":  # the relay's, which gives its leases back, needs a database
            await leave()
