"""Health and metrics of a role without other routes, as a plain ASGI application.

It uses no web framework: fewer imports let a killed role restart sooner.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordersys.entrypoint.http.health import Health, Render

AsgiMessage = MutableMapping[str, Any]
Send = Callable[[AsgiMessage], Awaitable[None]]
Receive = Callable[[], Awaitable[AsgiMessage]]
HealthResponse = tuple[int, str, bytes]
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthApp:
    health: Health
    render: Render

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _respond(send, *await self._answer(scope["method"], scope["path"]))

    async def _answer(self, method: str, path: str) -> HealthResponse:
        if method not in {"GET", "HEAD"}:
            return 405, JSON, b'{"status":405,"code":"method_not_allowed"}'
        match path:
            case "/health/live":
                return 200, JSON, msgspec.json.encode(self.health.live())
            case "/health/ready":
                readiness = await self.health.ready()
                return readiness.code, JSON, msgspec.json.encode(readiness)
            case "/metrics":
                content, media_type = self.render()
                return 200, media_type, content
            case _:
                return 404, JSON, b'{"status":404,"code":"not_found"}'


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        phase = (await receive())["type"]
        await send({"type": f"{phase}.complete"})
        if phase == "lifespan.shutdown":
            return


async def _respond(send: Send, status: int, media_type: str, body: bytes) -> None:
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
