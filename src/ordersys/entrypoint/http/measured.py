"""Request durations, by route."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ordersys.entrypoint.http.problem import status_of

Observe = Callable[[str, str, int, float], None]
# Option of a streaming route: the time to the first byte is measured, as the client decides how long it reads.
TO_THE_START: Final = "measured_to_the_start"


class Measured(ASGIMiddleware):
    """Calls `observe` with the method, route pattern, status and seconds of every request."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, observe: Observe) -> None:
        self._observe = observe

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        began, started = perf_counter(), None
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], perf_counter()
            await send(message)

        try:
            await next_app(scope, receive, watch)
        except Exception as error:
            # An error of an inner middleware, such as a missing token, becomes a response further out.
            status = status_of(error)
            raise
        finally:
            route = str(scope.get("path_template") or "unknown")
            done = started if started and _goes_on(scope) else perf_counter()
            self._observe(str(scope.get("method")), route, status, done - began)


def _goes_on(scope: Any) -> bool:
    return bool(scope["route_handler"].opt.get(TO_THE_START)) if "route_handler" in scope else False
