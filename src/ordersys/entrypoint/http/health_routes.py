"""Health and metrics: every role serves them on its own port.

Liveness says that the process turns; it never depends on another server, or one dead database would restart everything.
Readiness says whether work sent here now would get done.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

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


@get("/health/live")
async def live(health: NamedDependency[SkipValidation[Health]]) -> dict[str, str]:
    return {"status": "live", "role": health.role}


@get("/health/ready")
async def ready(health: NamedDependency[SkipValidation[Health]]) -> Response[dict[str, Any]]:
    checks = await health.ready()
    is_ready = all(checks.values()) and not health.draining
    body = {"status": "ready" if is_ready else "not ready", "role": health.role, "checks": checks}
    return Response({**body, "draining": health.draining}, status_code=200 if is_ready else 503)


@get("/metrics", include_in_schema=False)
async def metrics(render: NamedDependency[SkipValidation[Render]]) -> Response[bytes]:
    content, media_type = render()
    return Response(content, media_type=media_type)


HEALTH_ROUTES = Router("/", route_handlers=[live, ready, metrics], tags=["health"], opt={"exclude_from_auth": True})
