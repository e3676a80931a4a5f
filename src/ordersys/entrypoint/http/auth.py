"""Authentication: every route requires a bearer token, unless it sets the option `exclude_from_auth=True`."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from ordersys.entrypoint.http.tokens import Principal, TokenRefused, Tokens

UNAUTHORIZED: Final = {"code": "unauthorized"}
FORBIDDEN: Final = {"code": "forbidden"}


class BearerAuth(ASGIMiddleware):
    """Sets `request.user` to the Principal, or raises NotAuthorizedException (401)."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    exclude_opt_key = "exclude_from_auth"

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["user"] = await self._principal(Headers.from_scope(scope).get("authorization", ""))
        scope["auth"] = None
        await next_app(scope, receive, send)

    async def _principal(self, header: str) -> Principal:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorized("A bearer token is required.", "Bearer")
        try:
            return await self._tokens.check(token.strip())
        except TokenRefused as refused:
            raise _unauthorized(str(refused), 'Bearer error="invalid_token"') from None


def operators_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: 403 unless the caller is an operator, also on a route that skips authentication by mistake."""
    user = connection.scope.get("user")
    if not isinstance(user, Principal) or "operator" not in user.roles:
        raise PermissionDeniedException(detail="This route requires the role operator.", extra=FORBIDDEN)


def _unauthorized(detail: str, challenge: str) -> NotAuthorizedException:
    return NotAuthorizedException(detail=detail, headers={"WWW-Authenticate": challenge}, extra=UNAUTHORIZED)
