"""mypy does not look into the providers of a container: so each of them is built, for every role."""

import ast
import pkgutil
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from dependency_injector import containers, providers

import ordersys.bootstrap
from ordersys.bootstrap import dead_letters, page, roles
from ordersys.bootstrap.catalog import CatalogContainer
from ordersys.bootstrap.messaging import ConsumerContainer, RelayContainer, group_lags
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import ROLES, KafkaSettings, Role, Settings
from ordersys.entrypoint.consumers.dispatch import Dispatch
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS
from ordersys.messaging.consumer import Consumer
from ordersys.messaging.unit_of_work import JoinedUnitOfWork
from tests.architecture.places import PACKAGE, shown

LONGEST_CONTAINER = 60
NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")
CLOSED = ("publisher", "stream")


@pytest.fixture
async def platform() -> AsyncIterator[PlatformContainer]:
    """Nothing is connected to: engines and clients connect when they are first used, or in vain."""
    platform = PlatformContainer(settings=Settings(kafka=NOBODY), name="built")
    yield platform
    await platform.engine().dispose()


def containers_of(platform: PlatformContainer) -> Iterator[containers.Container]:
    yield platform
    yield CatalogContainer(engine=platform.engine)
    yield roles.ticket_container(platform)
    orders = roles.order_container(platform)
    yield orders
    lags = group_lags(NOBODY)
    yield page.page_container(platform, orders, lags)
    yield dead_letters.dead_letter_container(platform)
    yield roles.payment_container(platform)
    yield roles.relay_container(platform)
    for group in SUBSCRIPTIONS:
        yield roles.consumer_container(platform, group, {})


def build_all(container: containers.Container) -> None:
    for name, provider in container.providers.items():
        if name != "__self__":
            provider()


async def close(container: containers.Container) -> None:
    for name in CLOSED:
        if isinstance(container, RelayContainer | ConsumerContainer) and name in container.providers:
            await container.providers[name]().close()


async def test_every_provider_is_built(platform: PlatformContainer) -> None:
    for container in containers_of(platform):
        build_all(container)
        await close(container)


def declared_containers() -> set[str]:
    modules = [import_module(f"ordersys.bootstrap.{found.name}") for found in pkgutil.iter_modules(_bootstrap())]
    return {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, containers.DeclarativeContainer) and name.endswith("Container")
    } - {"DeclarativeContainer"}


def test_no_container_is_left_out() -> None:
    source = "".join(
        Path(file).read_text() for file in (__file__, roles.__file__, dead_letters.__file__, page.__file__)
    )

    assert declared_containers() >= {"PlatformContainer", "OrderContainer"}
    assert [name for name in declared_containers() if f"{name}(" not in source] == []


class Needs:
    def __init__(self, *, clock: object) -> None: ...


class Wrong(containers.DeclarativeContainer):
    needs = providers.Factory(Needs, clok=providers.Object(None))


def test_a_wrong_argument_is_seen() -> None:
    with pytest.raises(TypeError, match="clok"):
        build_all(Wrong())


class Unmet(containers.DeclarativeContainer):
    clock: providers.Dependency[object] = providers.Dependency()
    needs = providers.Factory(Needs, clock=clock)


def test_a_need_that_nobody_meets_is_seen() -> None:
    with pytest.raises(Exception, match=r"Unmet\.clock"):
        build_all(Unmet())


def test_every_role_has_its_assembly() -> None:
    assert tuple(roles.ASSEMBLIES) == ROLES


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_is_assembled(role: Role, platform: PlatformContainer) -> None:
    assembly = roles.assemble(role, platform)

    assert assembly.health.role == role
    assert len({loop.name for loop in assembly.loops}) == len(assembly.loops) > 0
    for leave in assembly.leaving:
        if leave.__name__ != "leave":  # the relay's, which gives its leases back, needs a database
            await leave()


async def test_every_subscription_finds_its_use_case(platform: PlatformContainer) -> None:
    consumed: list[str] = []
    for role in ROLES:
        assembly = roles.ASSEMBLIES[role](platform)
        for consumer in (getattr(loop.run_once, "__self__", None) for loop in assembly.loops):
            if isinstance(consumer, Consumer):
                consumed.append(consumer.name)
                dispatch = consumer.handle
                assert isinstance(dispatch, Dispatch)
                for subscription in SUBSCRIPTIONS[consumer.name]:
                    dispatch.use_cases[subscription.use_case](JoinedUnitOfWork(transaction=object()))
                await consumer.stream.close()  # type: ignore[attr-defined]  # the port leaves closing to its owner

    assert sorted(consumed) == sorted(SUBSCRIPTIONS)


def long_containers(source: str) -> Iterator[str]:
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    for found in classes:
        is_container = any("Container" in ast.unparse(parent) for parent in found.bases)
        if is_container and (found.end_lineno or 0) - found.lineno + 1 > LONGEST_CONTAINER:
            yield found.name


def test_containers_are_short() -> None:
    found = {shown(path): list(long_containers(path.read_text())) for path in (PACKAGE / "bootstrap").rglob("*.py")}

    assert {path: names for path, names in found.items() if names} == {}


def test_a_long_container_is_seen() -> None:
    body = "    x = providers.Object(1)\n" * LONGEST_CONTAINER

    assert list(long_containers(f"class Long(containers.DeclarativeContainer):\n{body}")) == ["Long"]


def _bootstrap() -> list[str]:
    return list(ordersys.bootstrap.__path__)
