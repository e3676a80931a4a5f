"""Whose is a path: the page's or the API's?"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar, get, post
from litestar.testing import TestClient

from ordersys.entrypoint.http.page import Front, with_page

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = "console.log('ordersys');\n" * 50


@get("/orders")
async def orders() -> str:
    return "orders of the API"


@post("/orders")
async def place() -> str:
    return "placed"


@get("/schema", media_type="text/html")
async def schema() -> str:
    return "the schema"


@pytest.fixture
def api() -> Litestar:
    return Litestar([orders, place, schema], openapi_config=None)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>ordersys</title>")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def client(api: Litestar, built: Path) -> Iterator[TestClient[Front]]:
    with TestClient(with_page(api, built)) as client:
        yield client


def test_the_page_is_at_the_root(client: TestClient[Front]) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    assert "<title>ordersys</title>" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert client.head("/").status_code == 200


def test_its_parts_keep_for_ever_and_travel_small(client: TestClient[Front]) -> None:
    answer = client.get("/assets/index-1a2b.js", headers={"accept-encoding": "gzip"})

    assert answer.text == SCRIPT
    assert "javascript" in answer.headers["content-type"]
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"


def test_a_part_that_is_not_there_is_not_the_page(client: TestClient[Front]) -> None:
    assert client.get("/assets/index-gone.js").status_code == 404
    assert client.get("/favicon.svg").status_code == 200


@pytest.mark.parametrize("path", ["/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/../secret.txt"])
def test_nothing_beside_the_page_can_be_had(client: TestClient[Front], path: str) -> None:
    assert "secret" not in client.get(path).text


@pytest.mark.parametrize("path", ["/orders", "/orders/1", "/control"])
def test_a_browser_that_opens_a_view_of_the_page_gets_the_page(client: TestClient[Front], path: str) -> None:
    assert "<title>ordersys</title>" in client.get(path, headers=BROWSER).text


def test_everybody_else_gets_the_api_where_it_always_was(client: TestClient[Front]) -> None:
    assert client.get("/orders").text == "orders of the API"
    assert client.post("/orders", headers=BROWSER).text == "placed"
    assert client.get("/schema", headers=BROWSER).text == "the schema"


@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_the_api_is_under_its_prefix_too(client: TestClient[Front], headers: dict[str, str]) -> None:
    assert client.get("/api/orders", headers=headers).text == "orders of the API"
    assert client.post("/api/orders", headers=headers).text == "placed"
    assert client.get("/api/gone", headers=headers).status_code == 404


def test_without_a_built_page_there_is_the_api_alone(api: Litestar, tmp_path: Path) -> None:
    with TestClient(with_page(api, tmp_path)) as client:
        assert client.get("/", headers=BROWSER).status_code == 404
        assert client.get("/orders", headers=BROWSER).text == "orders of the API"
        assert client.get("/api/orders").text == "orders of the API"
