"""/ops/chaos: for operators, never in production; and what is set there holds in every role within two seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from ordersys.bootstrap import roles
from ordersys.config import ROLES, ChaosSettings, PostgresSettings, Role, Secret, Settings
from ordersys.infrastructure.telemetry.metrics import Metrics
from ordersys.messaging.loop import Loop
from ordersys.workshop.chaos.faults import POINTS, SeededFaults
from tests.integration.extended import platform_with_faults
from tests.integration.http_api import NOBODY, Api, refusal, serving
from tests.servers import NO_REDIS
from tests.waiting import eventually

CONFIGURED = ChaosSettings(rates={"publish.drop": 0.2})
SECONDS = 2.0


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url, chaos=CONFIGURED) as api:
        yield api


async def put(api: Api, body: Any, *, role: Any = "operator") -> httpx.Response:
    return await api.client.put("/ops/chaos", json=body, headers=api.bearer("olga", role))


async def point(api: Api, name: str) -> dict[str, Any]:
    answer = await api.get("/ops/chaos", user="olga", role="operator")
    assert answer.status_code == 200, answer.text
    (found,) = [dict(one) for one in answer.json()["points"] if one["point"] == name]
    return found


async def test_operators_see_every_point(api: Api) -> None:
    answer = await api.get("/ops/chaos", user="olga", role="operator")

    assert answer.json()["allowed"] is True
    assert tuple(one["point"] for one in answer.json()["points"]) == POINTS
    assert await point(api, "publish.drop") == {
        "point": "publish.drop",
        "configured": 0.2,
        "effective": 0.2,
        "set_by": None,
        "set_at": None,
        "strikes": 0,
    }


async def test_a_change_is_answered_with_what_holds_then(api: Api) -> None:
    answer = await put(api, {"rates": {"publish.drop": 0.5}})

    assert answer.status_code == 200
    changed = await point(api, "publish.drop")
    assert changed in answer.json()["points"]
    assert (changed["effective"], changed["set_by"]) == (0.5, "olga")
    assert changed["set_at"].endswith("Z")

    await put(api, {"rates": {"publish.drop": None}})
    assert (await point(api, "publish.drop"))["effective"] == 0.2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"rates": {"publish.dorp": 0.5}}, "chaos_rate_invalid"),
        ({"rates": {"publish.drop": 1.5}}, "invalid_request"),
        ({"rates": {"publish.drop": "much"}}, "invalid_request"),
        ({"rate": {}}, "invalid_request"),
        ({}, "invalid_request"),
    ],
)
async def test_nonsense_is_refused(api: Api, body: Any, code: str) -> None:
    assert refusal(await put(api, body)) == (422, code)
    assert await api.count("chaos_rates") == 0


async def test_it_is_for_operators(api: Api) -> None:
    assert refusal(await api.get("/ops/chaos")) == (401, "unauthorized")
    assert refusal(await api.get("/ops/chaos", user="ann")) == (403, "forbidden")
    assert refusal(await put(api, {"rates": {"publish.drop": 0}}, role="customer")) == (403, "forbidden")


async def test_production_refuses_changes_and_ignores_what_stands_there(api: Api, database_url: str) -> None:
    await put(api, {"rates": {"publish.drop": 1.0}})

    async with serving(database_url, environment="production") as production:
        assert refusal(await put(production, {"rates": {"publish.drop": 0.5}})) == (403, "chaos_forbidden")
        assert (await point(production, "publish.drop"))["effective"] == 0.0


@asynccontextmanager
async def role(name: Role, url: str, **sections: Any) -> AsyncIterator[tuple[SeededFaults, Metrics, list[Loop]]]:
    """A role as it is assembled, and those of its loops that bring the rates in."""
    settings = Settings(postgres=PostgresSettings(url=Secret(url)), kafka=NOBODY, redis=NO_REDIS, **sections)
    platform, faults = platform_with_faults(settings, name)
    assembly = roles.assemble(name, platform)
    yield faults, platform.metrics(), [loop for loop in assembly.loops if loop.name == "chaos-rates"]
    for leave in assembly.leaving:
        await leave()


@asynccontextmanager
async def running(loops: list[Loop]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    yield
    stop.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("name", ROLES)
async def test_a_change_holds_in_every_role_within_two_seconds(api: Api, database_url: str, name: Role) -> None:
    async with role(name, database_url, chaos=CONFIGURED) as (faults, metrics, loops), running(loops):
        assert faults.rate("publish.drop") == 0.2

        await put(api, {"rates": {"publish.drop": 0.7, "consume.fail": 0.1}})
        await eventually(lambda: faults.rate("publish.drop") == 0.7, within=SECONDS)
        await put(api, {"rates": {"publish.drop": None}})
        await eventually(lambda: faults.rate("publish.drop") == 0.2, within=SECONDS)

        assert faults.rate("consume.fail") == 0.1
        assert metrics.registry.get_sample_value("ordersys_chaos_rate", {"point": "consume.fail"}) == 0.1


@pytest.mark.parametrize("name", ROLES)
async def test_no_role_looks_for_rates_in_production(database_url: str, name: Role) -> None:
    async with role(name, database_url, environment="production") as (_, _, loops):
        assert loops == []


async def test_the_strikes_of_the_process_are_counted(database_url: str) -> None:
    async with serving(database_url, chaos=ChaosSettings(rates={"database.blip": 1.0})) as api:
        flight = await api.flight()
        assert refusal(await api.post({"items": [{"flight_id": str(flight), "seats": 1}]})) == (503, "unavailable")

        assert (await point(api, "database.blip"))["strikes"] == 1
        assert 'ordersys_chaos_faults_total{point="database.blip"} 1.0' in (await api.get("/metrics")).text
