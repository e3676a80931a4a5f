"""Deliberate faults over HTTP; for operators."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from litestar import Request, Router, get, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Meta, Struct

from ordersys.config.settings import Rate
from ordersys.entrypoint.http.auth import operators_only
from ordersys.entrypoint.http.refusals import refusals
from ordersys.entrypoint.http.tokens import Principal
from ordersys.workshop.chaos.rates import ChaosControl, FaultPointState


class RatesBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Probabilities by fault point; null brings the configured one back. Points that are not named stay as they are."""

    rates: Annotated[Mapping[str, Rate | None], Meta(examples=[{"publish.drop": 0.5}])]


class Chaos(Struct, frozen=True, kw_only=True):
    """`allowed`: false in production. `strikes` are those of the process that answers, since it was started."""

    allowed: bool
    points: Sequence[FaultPointState]


@get("/", summary="The fault points and their rates", responses=refusals("unauthorized", "forbidden"))
async def show_chaos(chaos: NamedDependency[SkipValidation[ChaosControl]]) -> Chaos:
    return Chaos(allowed=chaos.allowed, points=await chaos.show())


@put(
    "/",
    summary="Change rates, in every process within two seconds",
    responses=refusals(
        "unauthorized",
        "forbidden",
        "chaos_forbidden",
        "chaos_rate_invalid",
        "invalid_request",
        "malformed_body",
        "body_too_large",
    ),
)
async def change_chaos(
    request: Request[Principal, Any, State],
    data: JSONBody[RatesBody],
    chaos: NamedDependency[SkipValidation[ChaosControl]],
) -> Chaos:
    await chaos.change(data.rates, by=request.user.customer)
    return Chaos(allowed=chaos.allowed, points=await chaos.show())


OPS_CHAOS_ROUTES = Router(
    "/ops/chaos",
    route_handlers=[show_chaos, change_chaos],
    guards=[operators_only],
    tags=["operations"],
    security=[{"bearer": []}],
)
