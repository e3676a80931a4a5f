from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from litestar import Litestar, Request, get
from litestar.exceptions import HTTPException, ImproperlyConfiguredException, TooManyRequestsException
from litestar.testing import TestClient
from structlog.testing import capture_logs

from ordersys.domain.shared.errors import Contention, DomainError, Kind, Unavailable
from ordersys.entrypoint.http.problem import HANDLERS, STATUS, BadRequest, refused
from ordersys.entrypoint.http.refusals import REFUSALS, refusals

SECRET = "SELECT secret FROM postgres.internal:5432"
RAISED: dict[str, Exception] = {
    "invalid": DomainError("too_many", Kind.INVALID, "too many"),
    "not-found": DomainError("order_not_found", Kind.NOT_FOUND, "none"),
    "conflict": DomainError("sold_out", Kind.CONFLICT, "no seats"),
    "rejected": DomainError("demo_auth_off", Kind.REJECTED, "off"),
    "away": Unavailable("postgres", SECRET),
    "contention": Contention(SECRET),
    "bad-request": BadRequest("idempotency_key_missing", "needed"),
    "mistake": ImproperlyConfiguredException(SECRET),
    "teapot": HTTPException("short and stout", status_code=418),
    "slow-down": TooManyRequestsException("later", headers={"Retry-After": "7"}),
    "bug": KeyError(SECRET),
}
ANSWERS = {
    "invalid": (422, "too_many", "too many"),
    "not-found": (404, "order_not_found", "none"),
    "conflict": (409, "sold_out", "no seats"),
    "rejected": (403, "demo_auth_off", "off"),
    "away": (503, "unavailable", "The service is temporarily unavailable; retry later."),
    "contention": (503, "contention", "The service is temporarily unavailable; retry later."),
    "bad-request": (400, "idempotency_key_missing", "needed"),
    "mistake": (500, "internal_error", "An unexpected error occurred; it has been logged."),
    "teapot": (418, "http_error", "short and stout"),
    "slow-down": (429, "http_error", "later"),
    "bug": (500, "internal_error", "An unexpected error occurred; it has been logged."),
}


@get("/{name:str}")
async def fail(request: Request[Any, Any, Any]) -> None:
    raise RAISED[request.path_params["name"]]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar([fail], exception_handlers=HANDLERS, openapi_config=None, logging_config=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", RAISED)
def test_every_error_is_a_problem_with_a_code(client: TestClient[Litestar], name: str) -> None:
    answer = client.get(f"/{name}")

    status, code, detail = ANSWERS[name]
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    title = HTTPStatus(status).phrase
    assert answer.json() == {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}


@pytest.mark.parametrize("name", RAISED)
def test_no_answer_tells_of_the_inside(client: TestClient[Litestar], name: str) -> None:
    assert SECRET not in client.get(f"/{name}").text


@pytest.mark.parametrize("name", ["away", "contention"])
def test_what_may_pass_says_when_to_come_again(client: TestClient[Litestar], name: str) -> None:
    assert client.get(f"/{name}").headers["retry-after"] == "1"


def test_headers_of_an_error_are_kept(client: TestClient[Litestar]) -> None:
    assert client.get("/slow-down").headers["retry-after"] == "7"


@pytest.mark.parametrize("name", ["bug", "mistake"])
def test_a_bug_is_logged_once_with_its_route(client: TestClient[Litestar], name: str) -> None:
    with capture_logs() as lines:
        client.get(f"/{name}")

    assert [(line["log_level"], line["path"], type(line["exc_info"])) for line in lines] == [
        ("error", "/{name}", type(RAISED[name]))
    ]


@pytest.mark.parametrize("name", sorted(RAISED.keys() - {"bug", "mistake"}))
def test_a_refusal_is_not_logged(client: TestClient[Litestar], name: str) -> None:
    with capture_logs() as lines:
        client.get(f"/{name}")

    assert lines == []


def test_every_kind_of_error_has_its_status() -> None:
    assert STATUS.keys() == set(Kind)
    assert refused(Kind.TRANSIENT, "busy", "wait", headers={"X": "y"}).headers == {"Retry-After": "1", "X": "y"}


def test_a_code_that_nobody_knows_cannot_be_documented() -> None:
    with pytest.raises(ValueError, match="sold_aut"):
        refusals("sold_aut")


def test_each_code_has_one_status() -> None:
    codes = [code for known in REFUSALS.values() for code in known]

    assert len(codes) == len(set(codes))
