"""All error codes of the API by status, with the text that the OpenAPI document shows for each."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import UNSET, Struct, UnsetType

from ordersys.entrypoint.http.problem import MEDIA_TYPE, content

REFUSALS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = {
    HTTPStatus.BAD_REQUEST: {
        "idempotency_key_missing": "The Idempotency-Key header is required.",
        "idempotency_key_invalid": "The Idempotency-Key is too long or not printable ASCII.",
        "malformed_body": "The body is not valid JSON.",
    },
    HTTPStatus.UNAUTHORIZED: {"unauthorized": "The bearer token is missing or invalid."},
    HTTPStatus.FORBIDDEN: {
        "forbidden": "This route requires the role operator.",
        "chaos_forbidden": "Faults cannot be injected in production.",
        "demo_auth_off": "Demo tokens are disabled (`auth.demo` is false).",
        "load_forbidden": "Load cannot be generated in production, or without demo tokens.",
    },
    HTTPStatus.NOT_FOUND: {
        "not_found": "The path does not exist, or an id in it is not a UUID.",
        "flight_not_found": "The flight does not exist.",
        "letter_not_found": "The dead letter does not exist.",
        "order_not_found": "The order does not exist, or belongs to another customer.",
    },
    HTTPStatus.CONFLICT: {
        "sold_out": "The flight has fewer seats left than requested.",
        "price_changed": "The total differs from `expected_total`.",
        "illegal_move": "The status of the order does not allow this.",
        "letter_replayed": "The dead letter was already replayed, and its message is queued.",
        "letter_unreadable": "The dead letter has no readable event id.",
        "idempotency_key_in_use": "A request with this Idempotency-Key is still running; retry later.",
        "load_running": "A load is already running; stop it or wait until it ends.",
        "audit_running": "An audit is already running; retry when it has finished.",
        "audit_too_long": "The audit takes too long for a request; run `ordersys audit` instead.",
    },
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"body_too_large": "The body exceeds the size limit."},
    HTTPStatus.UNPROCESSABLE_ENTITY: {
        "invalid_request": "The request is invalid; see `errors`.",
        "invalid_user": "A user name has 1 to 255 printable characters.",
        "airport_invalid": "An airport code has three letters A-Z.",
        "airports_equal": "Origin and destination must differ.",
        "day_invalid": "Flights cannot be searched for this day.",
        "bad_cursor": "Unknown cursor; use the `next_cursor` of an earlier page.",
        "bad_status": "Unknown order status.",
        "idempotency_key_reused": "This Idempotency-Key was already used with a different request body.",
        "flight_unknown": "The flight does not exist.",
        "flight_departed": "The flight has departed.",
        "currencies_mixed": "All flights of an order must have the same currency.",
        "too_many_items": "The order has too many items.",
        "chaos_rate_invalid": "Unknown fault point, or a rate outside 0 to 1.",
        "too_many_seats": "The order has too many seats.",
    },
    HTTPStatus.INTERNAL_SERVER_ERROR: {"internal_error": "An unexpected error occurred; it has been logged."},
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "unavailable": "A required server is unavailable; retry later.",
        "contention": "The request conflicted with others; retry.",
        "busy": "Too many requests are queued; retry later.",
    },
}
ALWAYS_POSSIBLE: Final = ("internal_error", "unavailable")


class Flaw(Struct, frozen=True, kw_only=True):
    """One invalid part of a request. `key`: field or parameter; `source`: body, query, header."""

    message: str
    key: str | UnsetType = UNSET
    source: str | UnsetType = UNSET


class Problem(Struct, frozen=True, kw_only=True):
    """A problem detail (RFC 9457). `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: Sequence[Flaw] | UnsetType = UNSET


def refusals(*codes: str) -> dict[int, ResponseSpec]:
    """Returns a route's documented errors: the given codes, and those that every route can return."""
    wanted = {*codes, *ALWAYS_POSSIBLE}
    if unknown := wanted.difference(*REFUSALS.values()):
        raise ValueError(f"not in REFUSALS: {sorted(unknown)}")
    return {
        status: _refusal(status, {code: known[code] for code in known if code in wanted})
        for status, known in REFUSALS.items()
        if wanted & known.keys()
    }


def _refusal(status: HTTPStatus, codes: Mapping[str, str]) -> ResponseSpec:
    return ResponseSpec(
        data_container=Problem,
        media_type=MEDIA_TYPE,
        generate_examples=False,
        description="; ".join(f"`{code}`: {text}" for code, text in codes.items()),
        examples=[Example(id=code, summary=code, value=content(status, code, text)) for code, text in codes.items()],
    )
