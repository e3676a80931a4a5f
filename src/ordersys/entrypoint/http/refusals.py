"""Every refusal that a route can answer with, by status and code; what a route documents is taken from here."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import UNSET, Struct, UnsetType

from ordersys.entrypoint.http.problem import MEDIA_TYPE, content

REFUSALS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = {
    HTTPStatus.BAD_REQUEST: {
        "idempotency_key_missing": "this request needs an Idempotency-Key header",
        "idempotency_key_invalid": "the Idempotency-Key is too long or not printable ASCII",
        "malformed_body": "the body is not valid JSON",
    },
    HTTPStatus.UNAUTHORIZED: {"unauthorized": "a bearer token is required, or the one given is not valid"},
    HTTPStatus.FORBIDDEN: {
        "forbidden": "this is for operators",
        "chaos_forbidden": "faults are refused with environment: production",
        "demo_auth_off": "tokens are not made here (`auth.demo` is false)",
        "load_forbidden": "load is refused in production and without demo tokens",
    },
    HTTPStatus.NOT_FOUND: {
        "not_found": "the path names nothing, as when an id is no UUID",
        "flight_not_found": "there is no such flight",
        "letter_not_found": "there is no such dead letter",
        "order_not_found": "there is no such order, or it is another customer's",
    },
    HTTPStatus.CONFLICT: {
        "sold_out": "the flight has fewer seats left",
        "price_changed": "the total is not the expected one",
        "illegal_move": "the status of the order forbids it",
        "letter_replayed": "the dead letter was replayed, so its message is on its way",
        "letter_unreadable": "the bytes of the dead letter do not tell which event it is",
        "idempotency_key_in_use": "a request with this Idempotency-Key is still running; send it again",
        "load_running": "a load is running; stop it or wait for its end",
        "audit_running": "an audit is running; ask again when it has ended",
        "audit_too_long": "there is too much to audit here: run `ordersys audit`",
    },
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"body_too_large": "the body is larger than the service takes"},
    HTTPStatus.UNPROCESSABLE_ENTITY: {
        "invalid_request": "the request is not valid; `errors` says where",
        "invalid_user": "a user is 1 to 255 printable characters",
        "airport_invalid": "an airport code is three letters A-Z",
        "airports_equal": "a flight goes from one airport to another",
        "day_invalid": "the day is none to search flights on",
        "bad_cursor": "the cursor is none that this list has given out",
        "bad_status": "there is no such status",
        "idempotency_key_reused": "this Idempotency-Key was used with another request body",
        "flight_unknown": "there is no such flight",
        "flight_departed": "the flight has departed",
        "currencies_mixed": "all flights of one order must be sold in one currency",
        "too_many_items": "the order has more items than one order may have",
        "chaos_rate_invalid": "there is no such fault point, or the rate is no number from 0 to 1",
        "too_many_seats": "the order has more seats than one order may hold",
    },
    HTTPStatus.INTERNAL_SERVER_ERROR: {"internal_error": "the service failed; the failure was recorded"},
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "unavailable": "a server that this service needs is away; try again",
        "contention": "too many requests met; try again",
        "busy": "too many requests are waiting; try again",
    },
}
ALWAYS_POSSIBLE: Final = ("internal_error", "unavailable")


class Flaw(Struct, frozen=True, kw_only=True):
    """`key` names the field or parameter, `source` is where it stands: body, query, header."""

    message: str
    key: str | UnsetType = UNSET
    source: str | UnsetType = UNSET


class Problem(Struct, frozen=True, kw_only=True):
    """RFC 9457. `code` is stable, `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: Sequence[Flaw] | UnsetType = UNSET


def refusals(*codes: str) -> dict[int, ResponseSpec]:
    """For a route's `responses`: the refusals that it can answer with, besides those that every route can."""
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
