"""Health and metrics routes of the api role; the other roles use `health_app`."""

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import SkipValidation

from ordersys.entrypoint.http.health import Health, Liveness, Readiness, Render


@get("/health/live", summary="Liveness probe")
async def live(health: NamedDependency[SkipValidation[Health]]) -> Liveness:
    return health.live()


@get("/health/ready", summary="Readiness probe", responses={503: ResponseSpec(Readiness, description="Not ready.")})
async def ready(health: NamedDependency[SkipValidation[Health]]) -> Response[Readiness]:
    readiness = await health.ready()
    return Response(readiness, status_code=readiness.code)


@get("/metrics", include_in_schema=False)
async def metrics(render: NamedDependency[SkipValidation[Render]]) -> Response[bytes]:
    content, media_type = render()
    # Litestar adds the charset to every text type.
    return Response(content, media_type=media_type.removesuffix("; charset=utf-8"))


HEALTH_ROUTES = Router("/", route_handlers=[live, ready, metrics], tags=["health"], opt={"exclude_from_auth": True})
