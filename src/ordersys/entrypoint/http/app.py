"""The HTTP application of the api role."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ordersys.entrypoint.http import openapi
from ordersys.entrypoint.http.auth import BearerAuth
from ordersys.entrypoint.http.flight_routes import FLIGHT_ROUTES
from ordersys.entrypoint.http.health_routes import HEALTH_ROUTES
from ordersys.entrypoint.http.ops_audit import AUDIT_ROUTES
from ordersys.entrypoint.http.ops_chaos import OPS_CHAOS_ROUTES
from ordersys.entrypoint.http.ops_dead_letters import OPS_DEAD_LETTER_ROUTES
from ordersys.entrypoint.http.order_routes import ORDER_ROUTES
from ordersys.entrypoint.http.problem import HANDLERS, status_of
from ordersys.entrypoint.http.tokens import Tokens

Observe = Callable[[str, str, int, float], None]


class Measured(ASGIMiddleware):
    """Tells `observe` method, route pattern, status and seconds of every request."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, observe: Observe) -> None:
        self._observe = observe

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        began = perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await next_app(scope, receive, watch)
        except Exception as error:
            # A refusal by a middleware further in, such as a missing token, is answered further out.
            status = status_of(error)
            raise
        finally:
            route = str(scope.get("path_template") or "unknown")
            self._observe(str(scope.get("method")), route, status, perf_counter() - began)


def build_api(
    *, provide: Mapping[str, Callable[[], Any]], tokens: Tokens, observe: Observe, max_body_bytes: int
) -> Litestar:
    """`provide`: by its parameter's name, what the handlers need; called for each request."""
    app = Litestar(
        route_handlers=[
            HEALTH_ROUTES,
            FLIGHT_ROUTES,
            ORDER_ROUTES,
            OPS_CHAOS_ROUTES,
            OPS_DEAD_LETTER_ROUTES,
            AUDIT_ROUTES,
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
