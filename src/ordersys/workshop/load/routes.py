"""A load of orders over HTTP, for operators: bounded, one at a time, never in production."""

from typing import Annotated

from litestar import Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Meta, Struct

from ordersys.entrypoint.http.auth import operators_only
from ordersys.entrypoint.http.refusals import refusals
from ordersys.workshop.load.switch import LoadState, LoadSwitch


class LoadBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`rate`: orders per second."""

    rate: Annotated[float, Meta(ge=1, le=200, examples=[20])]
    seconds: Annotated[float, Meta(ge=1, le=120, examples=[30])]


@get("/", summary="The load that runs, or ran last", responses=refusals("unauthorized", "forbidden"))
async def show_load(load: NamedDependency[SkipValidation[LoadSwitch]]) -> LoadState:
    return load.state()


@put(
    "/",
    summary="Start a load of orders",
    responses=refusals(
        "unauthorized",
        "forbidden",
        "load_forbidden",
        "load_running",
        "invalid_request",
        "malformed_body",
        "body_too_large",
    ),
)
async def start_load(data: JSONBody[LoadBody], load: NamedDependency[SkipValidation[LoadSwitch]]) -> LoadState:
    """Orders of made-up customers, sent by the process that answers."""
    return load.start(data.rate, data.seconds)


@delete("/", status_code=200, summary="Stop the load", responses=refusals("unauthorized", "forbidden"))
async def stop_load(load: NamedDependency[SkipValidation[LoadSwitch]]) -> LoadState:
    """Nothing more is sent. Nothing happens when none runs."""
    return load.stop()


OPS_LOAD_ROUTES = Router(
    "/ops/load",
    route_handlers=[show_load, start_load, stop_load],
    guards=[operators_only],
    tags=["operations"],
    security=[{"bearer": []}],
)
