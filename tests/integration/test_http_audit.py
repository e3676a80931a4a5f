"""GET /ops/audit: for operators, with the database alone."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.http_api import Api, refusal, serving


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


async def test_an_operator_gets_a_verdict(api: Api) -> None:
    await api.place(await api.flight())

    answer = await api.get("/ops/audit", user="olga", role="operator")

    assert answer.status_code == 200
    verdict = answer.json()
    assert verdict["holds"] is True
    assert {"name", "meaning", "checked", "violations", "examples"} == verdict["findings"][0].keys()
    assert verdict["facts"]["orders"] == 1
    assert "topics_complete" in verdict["skipped"]


async def test_what_is_broken_is_told_with_a_reason(api: Api) -> None:
    order = await api.place(await api.flight())
    await api.execute("DELETE FROM outbox")

    verdict = (await api.get("/ops/audit", user="olga", role="operator")).json()

    (broken,) = [finding for finding in verdict["findings"] if finding["violations"]]
    assert verdict["holds"] is False
    assert broken["name"] == "order_created"
    assert broken["examples"] == [{"subject": order["id"], "reason": "was placed without OrderCreated"}]


async def test_customers_are_refused(api: Api) -> None:
    assert refusal(await api.get("/ops/audit", user="ann")) == (403, "forbidden")
    assert refusal(await api.get("/ops/audit")) == (401, "unauthorized")
