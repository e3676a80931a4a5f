"""The HTTP application of the api role."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.static_files import create_static_files_router

from ordersys.config import AuthSettings
from ordersys.entrypoint.http import openapi
from ordersys.entrypoint.http.auth import BearerAuth
from ordersys.entrypoint.http.auth_routes import AUTH_ROUTES
from ordersys.entrypoint.http.flight_routes import FLIGHT_ROUTES
from ordersys.entrypoint.http.health_routes import HEALTH_ROUTES
from ordersys.entrypoint.http.measured import Measured, Observe
from ordersys.entrypoint.http.ops_dead_letters import OPS_DEAD_LETTER_ROUTES
from ordersys.entrypoint.http.ops_lag import LAG_ROUTES
from ordersys.entrypoint.http.order_routes import ORDER_ROUTES
from ordersys.entrypoint.http.problem import HANDLERS
from ordersys.entrypoint.http.tokens import Tokens

NEEDS: Final = (
    *("health", "render", "demo_tokens", "search_flights", "get_flight"),
    *(
        "placement",
        "causes",
        "get_order",
        "list_orders",
        "get_workflow",
        "order_watch",
        "cancel_orders",
        "refund_orders",
    ),
    *("list_dead_letters", "get_dead_letter", "plan_replay", "replay_dead_letters", "discard_dead_letters"),
    "lag_cache",
)


def document(more: Sequence[Router] = (), needs: Sequence[str] = ()) -> dict[str, Any]:
    """The OpenAPI document of these routes and of `more`, which need `needs`; nothing has to run for it."""
    app = build_api(
        provide=dict.fromkeys((*NEEDS, *needs), object),
        tokens=Tokens(AuthSettings()),
        observe=lambda *_: None,
        max_body_bytes=0,
        more=more,
    )
    return dict(msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema())))


def build_api(
    *,
    provide: Mapping[str, Callable[[], Any]],
    tokens: Tokens,
    observe: Observe,
    max_body_bytes: int,
    more: Sequence[Router] = (),
) -> Litestar:
    """`provide`: by its parameter's name, what the handlers need (NEEDS); called for each request. `more`: routes
    beside those of the product.
    """
    app = Litestar(
        route_handlers=[
            HEALTH_ROUTES,
            AUTH_ROUTES,
            FLIGHT_ROUTES,
            ORDER_ROUTES,
            OPS_DEAD_LETTER_ROUTES,
            LAG_ROUTES,
            *more,
            _assets(),
        ],
        dependencies={name: _provided(make) for name, make in provide.items()},
        exception_handlers=HANDLERS,
        logging_config=None,
        middleware=[Measured(observe), BearerAuth(tokens)],
        openapi_config=openapi.config(),
        request_max_body_size=max_body_bytes,
    )
    openapi.correct(app.openapi_schema)
    return app


def _provided(make: Callable[[], Any]) -> Provide:
    """Litestar wants a function that it can inspect; a provider of the container is none."""
    return Provide(lambda: make(), sync_to_thread=False)  # noqa: PLW0108


def _assets() -> Router:
    package = Path(str(files("swagger_ui_bundle")))
    folder = next(package.glob("vendor/swagger-ui-*"))
    return create_static_files_router(
        path=openapi.ASSETS, directories=[folder], opt={"exclude_from_auth": True}, include_in_schema=False
    )
