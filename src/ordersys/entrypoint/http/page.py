"""Routes requests of the api role: to the API, to the API under /api (for the web page), or to the built page.

A path belongs to the page if it is one of its files, or if a browser opens it as a document. Requests that do not
accept text/html always reach the API.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Send

from ordersys.entrypoint.http.problem import HANDLERS

PREFIX: Final = "/api"
INDEX: Final = "index.html"
# File names here contain a hash of the content.
HASHED: Final = "assets"
FOREVER: Final = CacheControlHeader(public=True, max_age=31_536_000, immutable=True)
ASK_EACH_TIME: Final = CacheControlHeader(no_cache=True)
DOCUMENTS_OF_THE_API: Final = ("/schema", "/health", "/metrics")
POLICY: Final = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
SECURITY: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`files`: the request paths of all files."""

    serve: ASGIApp
    files: frozenset[str]

    def path_of(self, scope: Any) -> str | None:
        """Returns the page's file for this request, or None."""
        path: str = scope["path"]
        if scope["method"] not in {"GET", "HEAD"}:
            return None
        if path in self.files:
            return path
        if path == "/" or (_opened_by_a_browser(scope) and not path.startswith(DOCUMENTS_OF_THE_API)):
            return f"/{INDEX}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    api: ASGIApp
    page: Page | None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.api(scope, receive, send)
        elif scope["path"].startswith(f"{PREFIX}/"):
            await self.api(_without_prefix(scope), receive, send)
        elif self.page and (path := self.page.path_of(scope)):
            await self.page.serve(_moved(scope, path), receive, _guarded(send))
        else:
            await self.api(scope, receive, send)


def with_page(api: ASGIApp, folder: Path) -> Front:
    """Serves the page only if the folder contains a built one."""
    return Front(api=api, page=_page(folder) if (folder / INDEX).is_file() else None)


def _page(folder: Path) -> Page:
    known = [found.relative_to(folder) for found in folder.rglob("*") if found.is_file()]
    routers = [create_static_files_router(path="/", directories=[folder], html_mode=True, cache_control=ASK_EACH_TIME)]
    if (folder / HASHED).is_dir():
        routers.append(
            create_static_files_router(path=f"/{HASHED}", directories=[folder / HASHED], cache_control=FOREVER)
        )
    app = Litestar(
        route_handlers=routers,
        compression_config=CompressionConfig(backend="gzip"),
        exception_handlers=HANDLERS,
        logging_config=None,
        openapi_config=None,
    )
    return Page(serve=app, files=frozenset(f"/{path.as_posix()}" for path in known))


def _opened_by_a_browser(scope: Any) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _without_prefix(scope: Any) -> Any:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": scope["path"].removeprefix(PREFIX), "raw_path": raw.removeprefix(PREFIX.encode())}


def _moved(scope: Any, path: str) -> Any:
    return {**scope, "path": path, "raw_path": path.encode()}


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: Iterable[tuple[bytes, bytes]] = (*message.get("headers", ()), *SECURITY)
            message = {**message, "headers": list(headers)}
        await send(message)

    return guarded
