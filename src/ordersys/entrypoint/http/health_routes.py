"""Health and metrics: every role serves them on its own port.

Liveness says that the process turns; it never depends on another server, or one dead database would restart everything.
Readiness says whether work sent here now would get done.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import SkipValidation
from msgspec import Struct

Check = Callable[[], Awaitable[bool]]


@dataclass(slots=True, kw_only=True)
class Health:
    """`checks` by the name of what they check. While the role drains it is not ready, whatever the checks say."""

    role: str
    checks: Mapping[str, Check]
    draining: bool = False

    async def ready(self) -> dict[str, bool]:
        return {name: await check() for name, check in self.checks.items()}


Render = Callable[[], tuple[bytes, str]]


class Liveness(Struct, frozen=True, kw_only=True):
    role: str
    status: Literal["live"] = "live"


class Readiness(Struct, frozen=True, kw_only=True):
    """`checks`: whether each server that the role needs answers it."""

    status: Literal["ready", "not ready"]
    role: str
    checks: Mapping[str, bool]
    draining: bool


@get("/health/live", summary="Does the process turn?")
async def live(health: NamedDependency[SkipValidation[Health]]) -> Liveness:
    return Liveness(role=health.role)


@get("/health/ready", summary="Would work get done?", responses={503: ResponseSpec(Readiness, description="not now")})
async def ready(health: NamedDependency[SkipValidation[Health]]) -> Response[Readiness]:
    checks = await health.ready()
    if all(checks.values()) and not health.draining:
        return _readiness(health, "ready", checks, 200)
    return _readiness(health, "not ready", checks, 503)


@get("/metrics", include_in_schema=False)
async def metrics(render: NamedDependency[SkipValidation[Render]]) -> Response[bytes]:
    content, media_type = render()
    # Litestar adds the charset to every text.
    return Response(content, media_type=media_type.removesuffix("; charset=utf-8"))


HEALTH_ROUTES = Router("/", route_handlers=[live, ready, metrics], tags=["health"], opt={"exclude_from_auth": True})


def _readiness(
    health: Health, status: Literal["ready", "not ready"], checks: Mapping[str, bool], code: int
) -> Response[Readiness]:
    body = Readiness(status=status, role=health.role, checks=checks, draining=health.draining)
    return Response(body, status_code=code)
