"""The extension point of a role: what may be put around its parts and beside them. The product needs nothing of it.

Every default is neutral, so a role without an extension runs on its own parts alone.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.config import Settings
from ordersys.domain.shared.clock import Clock
from ordersys.infrastructure.telemetry.metrics import Metrics
from ordersys.messaging.envelope import Publisher
from ordersys.messaging.handling import Handler
from ordersys.messaging.loop import Loop
from ordersys.messaging.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from litestar import Router

T = TypeVar("T")


def unchanged(part: T) -> T:
    return part


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExtension:
    """Routes of the api role beside the product's. `provide`: their dependencies by parameter name, as in `build_api`.

    `ending` and `leaving`: as in `Assembly`.
    """

    routes: "Sequence[Router]" = ()
    provide: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    ending: Sequence[Callable[[], object]] = ()
    leaving: Sequence[Callable[[], Awaitable[Any]]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """`gateway_silent` and `airline_refuses` are asked by the demo adapters, once per call.

    `http` is called by the api role alone: what it imports does not slow the start of the others.
    """

    publisher: Callable[[Publisher], Publisher] = unchanged
    handler: Callable[[Handler[Any]], Handler[Any]] = unchanged
    unit_of_work: Callable[[UnitOfWork[Any]], UnitOfWork[Any]] = unchanged
    autocommit: Callable[[UnitOfWork[Any]], UnitOfWork[Any]] = unchanged
    gateway_silent: Callable[[], bool] = never
    airline_refuses: Callable[[], bool] = never
    loops: Sequence[Loop] = ()
    http: Callable[[], HttpExtension] = HttpExtension


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The process that is extended, as far as an extension may use it."""

    settings: Settings
    name: str
    clock: Clock
    engine: AsyncEngine
    metrics: Metrics


Extend = Callable[[Host], Extension]


def not_extended(_: Host) -> Extension:
    return Extension()


def extended(extend: Extend, host: Host) -> Extension:
    return extend(host)


def wrapped(wrap: Callable[[T], T], part: T) -> T:
    return wrap(part)
