"""Who may see what: a customer's orders are hers, an operator's are everybody's; nobody's are nobody's."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.http_api import Api, order_of, refusal, serving

PARTS = ["", "/workflow"]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("owner", "other"), [("ann", "bob"), ("bob", "ann")])
async def test_another_customers_order_does_not_exist(api: Api, part: str, owner: str, other: str) -> None:
    order = await api.place(await api.flight(), user=owner)

    assert (await api.get(f"/orders/{order['id']}{part}", user=owner)).status_code == 200
    foreign = await api.get(f"/orders/{order['id']}{part}", user=other)
    assert refusal(foreign) == (404, "order_not_found")
    assert order["id"] not in foreign.text


@pytest.mark.parametrize("part", PARTS)
async def test_an_operator_sees_the_order_of_anybody(api: Api, part: str) -> None:
    order = await api.place(await api.flight(), user="ann")

    answer = await api.get(f"/orders/{order['id']}{part}", user="olga", role="operator")

    assert answer.status_code == 200
    assert order["id"] in answer.text


async def test_a_list_has_the_callers_orders_only(api: Api) -> None:
    flight = await api.flight()
    hers, his = await api.place(flight, user="ann"), await api.place(flight, user="bob")

    assert (await api.get("/orders", user="ann")).json()["items"] == [hers]
    assert (await api.get("/orders", user="bob")).json()["items"] == [his]
    assert (await api.get("/orders", user="olga", role="operator")).json()["items"] == []


async def test_anothers_cursor_leads_to_ones_own_orders(api: Api) -> None:
    flight = await api.flight()
    hers = await api.place(flight, user="ann")
    his = await api.place(flight, user="bob")

    page = await api.get("/orders", user="ann", cursor=his["id"])

    assert page.json()["items"] == [hers]


@pytest.mark.parametrize("path", ["/orders", "/orders/{id}", "/orders/{id}/workflow"])
@pytest.mark.parametrize("header", [None, "Bearer x.y.z", "Basic YTpi"])
async def test_without_a_good_token_there_is_nothing_to_see(api: Api, path: str, header: str | None) -> None:
    order = await api.place(await api.flight())
    headers = {"Authorization": header} if header else {}

    answer = await api.client.get(path.format(id=order["id"]), headers=headers)

    assert refusal(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_without_a_token_nothing_is_bought(api: Api) -> None:
    flight = await api.flight()

    answer = await api.client.post("/orders", json=order_of(flight), headers={"Idempotency-Key": "k"})

    assert refusal(answer) == (401, "unauthorized")
    assert await api.seats_taken(flight) == 0
