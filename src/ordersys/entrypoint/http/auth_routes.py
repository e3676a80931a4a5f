"""Demo tokens: they stand in for a login, and are disabled by `auth.demo: false`."""

from datetime import datetime
from typing import Annotated

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Meta, Struct

from ordersys.entrypoint.http.refusals import refusals
from ordersys.entrypoint.http.tokens import DemoTokens, UserRole


class DemoBody(Struct, frozen=True, forbid_unknown_fields=True):
    """If `user` is missing, a guest name is generated."""

    user: Annotated[str, Meta(min_length=1, max_length=255, examples=["anna"])] | None = None
    role: UserRole = "customer"


class DemoToken(Struct, frozen=True, kw_only=True):
    token: str
    user: str
    role: UserRole
    expires_at: datetime


@post(
    "/demo",
    status_code=200,
    summary="Create a demo token",
    responses=refusals("demo_auth_off", "invalid_user", "invalid_request", "malformed_body", "body_too_large"),
)
async def demo_token(data: JSONBody[DemoBody], demo_tokens: NamedDependency[SkipValidation[DemoTokens]]) -> DemoToken:
    made = demo_tokens.mint(data.user, data.role)
    return DemoToken(token=made.token, user=made.user, role=made.role, expires_at=made.expires_at)


AUTH_ROUTES = Router("/auth", route_handlers=[demo_token], tags=["auth"], opt={"exclude_from_auth": True})
