"""The HTTP applications: the api role's, and the small one by which every other role can be watched."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ordersys import __version__
from ordersys.entrypoint.http.auth import BearerAuth
from ordersys.entrypoint.http.flight_routes import FLIGHT_ROUTES
from ordersys.entrypoint.http.health_routes import HEALTH_ROUTES
from ordersys.entrypoint.http.order_routes import ORDER_ROUTES
from ordersys.entrypoint.http.problem import HANDLERS
from ordersys.entrypoint.http.tokens import Tokens

Observe = Callable[[str, str, int, float], None]
ASSETS: Final = "/schema/assets"


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
        finally:
            route = str(scope.get("path_template") or "unknown")
            self._observe(str(scope.get("method")), route, status, perf_counter() - began)


def build_api(
    *, provide: Mapping[str, Callable[[], Any]], tokens: Tokens, observe: Observe, max_body_bytes: int
) -> Litestar:
    """`provide`: by its parameter's name, what the handlers need; called for each request."""
    return _build(
        [HEALTH_ROUTES, FLIGHT_ROUTES, ORDER_ROUTES, _assets()],
        provide,
        middleware=[Measured(observe), BearerAuth(tokens)],
        openapi_config=_openapi(),
        request_max_body_size=max_body_bytes,
    )


def build_watch(*, provide: Mapping[str, Callable[[], Any]]) -> Litestar:
    return _build([HEALTH_ROUTES], provide, openapi_config=None)


def _build(routes: Sequence[Router], provide: Mapping[str, Callable[[], Any]], **config: Any) -> Litestar:
    return Litestar(
        route_handlers=list(routes),
        dependencies={name: _provided(make) for name, make in provide.items()},
        exception_handlers=HANDLERS,
        logging_config=None,
        **config,
    )


def _provided(make: Callable[[], Any]) -> Provide:
    """Litestar wants a function that it can inspect; a provider of the container is none."""
    return Provide(lambda: make(), sync_to_thread=False)  # noqa: PLW0108


def _openapi() -> OpenAPIConfig:
    """The page's script comes from the package: a content delivery network would leave it blank offline."""
    bearer = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
    return OpenAPIConfig(
        title="ordersys",
        version=__version__,
        path="/schema",
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}],
        render_plugins=[
            SwaggerRenderPlugin(
                js_url=f"{ASSETS}/swagger-ui-bundle.js",
                css_url=f"{ASSETS}/swagger-ui.css",
                favicon=f"<link rel='icon' type='image/png' href='{ASSETS}/favicon-32x32.png'>",
                standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
            )
        ],
    )


def _assets() -> Router:
    package = Path(str(files("swagger_ui_bundle")))
    folder = next(package.glob("vendor/swagger-ui-*"))
    return create_static_files_router(
        path=ASSETS, directories=[folder], opt={"exclude_from_auth": True}, include_in_schema=False
    )
