"""The document that clients are generated from, the page that shows it, and what is measured."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ordersys.config import AuthSettings
from ordersys.entrypoint.http.app import NEEDS, build_api
from ordersys.entrypoint.http.health import Health
from ordersys.entrypoint.http.health_app import HealthApp
from ordersys.entrypoint.http.refusals import REFUSALS
from ordersys.entrypoint.http.tokens import Tokens
from ordersys.workshop import http as workshop

Document = Mapping[str, Any]


class Observed(list[tuple[str, str, int]]):
    def __call__(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds > 0
        self.append((method, route, status))


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def nothing() -> object:
    """In the place of use cases that a test does not reach."""
    return object()


def provided(health: Health) -> dict[str, Any]:
    return {"health": lambda: health, "render": lambda: lambda: (b"up 1\n", "text/plain; version=1.0.0; charset=utf-8")}


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def health() -> Health:
    return Health(role="api", checks={"postgres": yes})


@pytest.fixture
def client(observed: Observed, health: Health) -> Iterator[TestClient[Litestar]]:
    app = build_api(
        provide={**dict.fromkeys((*NEEDS, *workshop.NEEDS), nothing), **provided(health)},
        tokens=Tokens(AuthSettings()),
        observe=observed,
        max_body_bytes=1024,
        more=workshop.ROUTES,
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def document(client: TestClient[Litestar]) -> Document:
    found: Document = client.get("/schema/openapi.json").json()
    return found


def test_the_document_is_to_be_had_without_anything_that_runs(document: Document) -> None:
    assert workshop.document() == document


def operations(document: Document) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


DOCUMENTED = {
    "GET /health/live": ("live", {"200"}),
    "GET /health/ready": ("ready", {"200", "503"}),
    "GET /flights": ("searchFlights", {"200", "422", "500", "503"}),
    "GET /flights/{flight_id}": ("getFlight", {"200", "404", "500", "503"}),
    "GET /orders": ("listOrders", {"200", "401", "422", "500", "503"}),
    "POST /orders": ("placeOrder", {"201", "400", "401", "409", "413", "422", "500", "503"}),
    "GET /orders/{order_id}": ("getOrder", {"200", "401", "404", "500", "503"}),
    "POST /orders/{order_id}/cancel": (
        "cancelOrder",
        {"202", "400", "401", "404", "409", "413", "422", "500", "503"},
    ),
    "POST /orders/{order_id}/refund": (
        "refundOrder",
        {"202", "400", "401", "404", "409", "413", "422", "500", "503"},
    ),
    "GET /orders/{order_id}/workflow": ("getWorkflow", {"200", "401", "404", "500", "503"}),
    "GET /orders/{order_id}/events": ("watchOrder", {"200", "401", "404", "500", "503"}),
    "POST /auth/demo": ("demoToken", {"200", "400", "403", "413", "422", "500", "503"}),
    "GET /ops/lag": ("getLag", {"200", "401", "403", "500", "503"}),
    "GET /ops/load": ("showLoad", {"200", "401", "403", "500", "503"}),
    "PUT /ops/load": ("startLoad", {"200", "400", "401", "403", "409", "413", "422", "500", "503"}),
    "DELETE /ops/load": ("stopLoad", {"200", "401", "403", "500", "503"}),
    "GET /ops/dlq/{dead_letter_id}/plan": ("planDeadLetter", {"200", "401", "403", "404", "500", "503"}),
    "GET /ops/audit": ("getAudit", {"200", "401", "403", "409", "500", "503"}),
    "GET /ops/chaos": ("showChaos", {"200", "401", "403", "500", "503"}),
    "PUT /ops/chaos": ("changeChaos", {"200", "400", "401", "403", "413", "422", "500", "503"}),
    "GET /ops/dlq": ("listDeadLetters", {"200", "401", "403", "422", "500", "503"}),
    "GET /ops/dlq/{dead_letter_id}": ("getDeadLetter", {"200", "401", "403", "404", "500", "503"}),
    "POST /ops/dlq/{dead_letter_id}/replay": ("replayDeadLetter", {"202", "401", "403", "404", "409", "500", "503"}),
    "POST /ops/dlq/{dead_letter_id}/discard": ("discardDeadLetter", {"200", "401", "403", "404", "409", "500", "503"}),
}


def test_every_route_is_documented_with_its_name_and_its_answers(document: Document) -> None:
    found = {
        name: (operation["operationId"], set(operation["responses"]))
        for name, operation in operations(document).items()
    }

    assert found == DOCUMENTED


def test_orders_need_a_token_and_flights_do_not(document: Document) -> None:
    secured = {
        name for name, operation in operations(document).items() if operation.get("security") == [{"bearer": []}]
    }

    assert secured == {name for name in DOCUMENTED if "/orders" in name or "/ops" in name}
    assert "security" not in document
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }


def test_refusals_are_documented_as_problems_with_their_codes(document: Document) -> None:
    for operation in operations(document).values():
        for status, answer in operation["responses"].items():
            if status < "400" or operation["operationId"] == "ready":
                continue
            media = answer["content"]["application/problem+json"]
            assert answer["content"].keys() == {"application/problem+json"}
            assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in media["examples"].items():
                assert example.keys() == {"summary", "value"}
                assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))


def test_every_code_is_answered_somewhere(document: Document) -> None:
    documented = {
        code
        for operation in operations(document).values()
        for answer in operation["responses"].values()
        for media in answer["content"].values()
        for code in media.get("examples", {})
    }

    assert documented == {code for known in REFUSALS.values() for code in known}


def test_headers_of_refusals_are_documented(document: Document) -> None:
    answers = operations(document)["POST /orders"]["responses"]

    assert answers["503"]["headers"]["Retry-After"]["schema"] == {"type": "string"}
    assert answers["401"]["headers"]["WWW-Authenticate"]["schema"] == {"type": "string"}
    assert answers["201"]["headers"].keys() == {"Location", "Idempotency-Replayed"}
    assert answers["201"]["headers"]["Location"]["schema"] == {"type": "string"}


def test_the_idempotency_key_is_required(document: Document) -> None:
    [parameter] = operations(document)["POST /orders"]["parameters"]

    assert (parameter["name"], parameter["in"], parameter["required"]) == ("Idempotency-Key", "header", True)
    assert "default" not in parameter["schema"]
    assert "24 hours" in parameter["description"]


def test_parameters_have_their_public_names_types_and_examples(document: Document) -> None:
    found = {parameter["name"]: parameter for parameter in operations(document)["GET /flights"]["parameters"]}

    assert found.keys() == {"from", "to", "date"}
    assert all(parameter["required"] and parameter["examples"] for parameter in found.values())
    assert found["date"]["schema"]["format"] == "date"


def test_parameters_that_may_be_left_out_cannot_be_null(document: Document) -> None:
    found = {parameter["name"]: parameter for parameter in operations(document)["GET /orders"]["parameters"]}

    assert {name: parameter["schema"]["type"] for name, parameter in found.items()} == {
        "status": "string",
        "cursor": "string",
        "limit": "integer",
    }
    assert "PAYMENT_AUTHORIZED" in found["status"]["schema"]["enum"]
    assert not any(parameter["required"] for parameter in found.values())


def test_bodies_take_no_unknown_fields_and_answers_leave_none_out(document: Document) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Body"):
            assert schema["additionalProperties"] is False
        elif name not in ("Problem", "Flaw"):
            # An enumeration has none.
            assert set(schema.get("required", ())) == set(schema.get("properties", ()))


def test_the_body_of_an_order_is_a_list_of_items(document: Document) -> None:
    body = document["components"]["schemas"]["OrderBody"]

    assert body["required"] == ["items"]
    assert body["properties"]["items"]["items"] == {"$ref": "#/components/schemas/ItemBody"}


def test_the_kinds_of_what_an_order_waits_for_are_told_apart_by_a_constant(document: Document) -> None:
    schemas = document["components"]["schemas"]

    choices = schemas["WorkflowView"]["properties"]["waiting_for"]["oneOf"]

    named = [choice["$ref"].rpartition("/")[2] for choice in choices if "$ref" in choice]
    assert {schemas[name]["properties"]["kind"]["const"] for name in named} == {
        "outbox_pending",
        "outbox_parked",
        "awaiting_handler",
        "retrying",
        "dead_letter",
        "awaiting_gateway",
        "awaiting_event",
    }
    assert len(named) == len(choices) - 1 == 7


def test_references_lead_somewhere(document: Document, client: TestClient[Litestar]) -> None:
    text = client.get("/schema/openapi.json").text
    names = set(re.findall(r'"#/components/schemas/(\w+)"', text))

    assert names == document["components"]["schemas"].keys()


def test_the_page_works_without_the_internet(client: TestClient[Litestar]) -> None:
    page = client.get("/schema")

    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert page.status_code == 200
    assert len(loaded) == 4
    for address in loaded:
        assert address.startswith("/schema/assets/")
        assert client.get(address).status_code == 200
    assert "://" not in page.text


def test_the_page_has_the_document_in_words_that_its_script_reads(client: TestClient[Litestar]) -> None:
    page = client.get("/schema").text

    assert '"openapi":"3.0.3"' in page
    assert '"type":"null"' not in page
    assert '"type":[' not in page
    assert '"const":' not in page
    assert '"examples":[' not in page
    assert client.get("/schema/openapi.json").json()["openapi"] == "3.1.0"


def test_the_page_and_its_parts_need_no_token(client: TestClient[Litestar]) -> None:
    assert client.get("/schema/openapi.json").status_code == 200
    assert client.get("/schema/assets/swagger-ui.css").status_code == 200
    assert client.get("/schema/assets/../../__init__.py").status_code == 404
    assert client.get("/schema/assets/%2e%2e/%2e%2e/__init__.py").status_code == 404


def test_requests_are_measured_by_route(client: TestClient[Litestar], observed: Observed) -> None:
    client.get("/flights/not-an-id")
    client.get("/flights")
    client.get("/orders/00000000-0000-7000-8000-000000000001")
    client.get("/health/live")
    client.get("/flights/00000000-0000-7000-8000-000000000001")

    assert observed == [
        ("GET", "/flights", 422),
        ("GET", "/orders/{order_id}", 401),
        ("GET", "/health/live", 200),
        ("GET", "/flights/{flight_id}", 500),
    ]


def test_live_tells_the_role(client: TestClient[Litestar]) -> None:
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live", "role": "api"})


def test_ready_tells_what_was_checked(client: TestClient[Litestar]) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "role": "api", "checks": {"postgres": True}, "draining": False}


def test_a_role_that_drains_is_not_ready_but_lives(client: TestClient[Litestar], health: Health) -> None:
    health.draining = True

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "role": "api", "checks": {"postgres": True}, "draining": True}
    assert client.get("/health/live").status_code == 200


def test_metrics_are_plain_text_with_one_charset(client: TestClient[Litestar]) -> None:
    answer = client.get("/metrics")

    assert (answer.status_code, answer.text) == (200, "up 1\n")
    assert answer.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"


def test_a_role_that_is_only_watched_has_health_and_metrics_and_nothing_else() -> None:
    health = Health(role="worker", checks={"postgres": yes, "kafka": no})
    watch: Any = HealthApp(health=health, render=lambda: (b"up 1\n", "text/plain"))
    with TestClient(watch) as client:
        assert client.get("/health/live").json()["role"] == "worker"
        assert client.get("/health/ready").json()["checks"] == {"postgres": True, "kafka": False}
        assert client.get("/health/ready").status_code == 503
        assert client.get("/metrics").status_code == 200
        assert {client.get(path).status_code for path in ("/orders", "/flights", "/schema")} == {404}
        assert client.post("/metrics").status_code == 405
