"""Errors as application/problem+json (RFC 9457): a stable `code` and a sentence; no stack trace, SQL or host name."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from ordersys.domain.shared.errors import DomainError, Kind

log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]

STATUS: Final[Mapping[Kind, HTTPStatus]] = {
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.REJECTED: HTTPStatus.FORBIDDEN,
    Kind.TRANSIENT: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_SECONDS: Final = "1"
MEDIA_TYPE: Final = "application/problem+json"
_MISSING: Final = re.compile(r"Missing required (?P<source>\w+) parameter '(?P<key>[^']+)'")
_NO_BODY: Final = "'data'"
CODES: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}


class BadRequest(HTTPException):
    """400 with its own code."""

    status_code = HTTPStatus.BAD_REQUEST

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail=detail, extra={"code": code})


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: object
) -> Response[dict[str, object]]:
    body = {**content(status, code, detail), **more}
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def content(status: int, code: str, detail: str) -> dict[str, object]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }


def refused(kind: Kind, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> Response[Any]:
    status = STATUS[kind]
    retry = {"Retry-After": RETRY_AFTER_SECONDS} if kind is Kind.TRANSIENT else {}
    return problem(status, code, detail, headers={**retry, **(headers or {})})


def status_of(error: Exception) -> int:
    """Returns the HTTP status for an error."""
    if isinstance(error, DomainError):
        return STATUS[error.kind]
    return error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR


def on_domain_error(_: AnyRequest, error: DomainError) -> Response[Any]:
    # The detail of a transient error names the server that is unavailable: for operators, not for callers.
    detail = "The service is temporarily unavailable; retry later." if error.kind is Kind.TRANSIENT else error.detail
    return refused(error.kind, error.code, detail)


def on_invalid(_: AnyRequest, error: ValidationException) -> Response[Any]:
    errors = list(_flaws(error))
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "The request is invalid; see `errors`.", errors=errors
    )


def _flaws(error: ValidationException) -> Iterator[dict[str, str]]:
    """Yields each invalid part. Litestar's messages about missing parts are reworded for callers."""
    if missing := _MISSING.match(error.detail):
        yield {"message": "Required.", "key": missing["key"], "source": missing["source"]}
    for flaw in error.extra if isinstance(error.extra, list) else []:
        if flaw.get("key") != "data":
            yield flaw
        elif flaw["message"] == _NO_BODY:
            yield {"message": "A body is required.", "source": "body"}
        else:
            yield {"message": flaw["message"], "source": "body"}


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # A bug in our code, reported by Litestar; its detail is not for callers.
        return on_bug(request, error)
    if isinstance(error.__cause__, SerializationException):
        return problem(HTTPStatus.BAD_REQUEST, "malformed_body", "The body is not valid JSON.")
    extra = error.extra if isinstance(error.extra, dict) else {}
    code = extra.get("code") or CODES.get(error.status_code, "http_error")
    return problem(error.status_code, str(code), error.detail, headers=error.headers)


def on_bug(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("request failed", action="http.failed", path=request.scope.get("path_template"), exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "An unexpected error occurred; it has been logged."
    )


HANDLERS: Final[dict[int | type[Exception], Any]] = {
    DomainError: on_domain_error,
    ValidationException: on_invalid,
    HTTPException: on_http_error,
    Exception: on_bug,
}
