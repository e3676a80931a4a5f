"""What the control room asks: lag, load, and tokens for the demo."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from ordersys.config import AuthSettings, KafkaSettings
from tests.integration.http_api import Api, refusal, serving
from tests.integration.live_api import LiveApi, live
from tests.servers import KafkaServer
from tests.waiting import eventually

CONSUMERS = ["order-service", "payment-service", "ticket-service"]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


async def lag(api: Api) -> dict[str, Any]:
    answer = await api.get("/ops/lag", user="olga", role="operator")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_waits_is_told_even_without_kafka(api: Api) -> None:
    await api.place(await api.flight())
    found = await lag(api)

    assert found["outbox"]["pending"] == 1
    assert found["outbox"]["oldest_pending_seconds"] >= 0
    assert found["outbox"]["parked"] == 0
    assert found["retries"] == [{"consumer": name, "waiting": 0, "next_at": None} for name in CONSUMERS]
    assert found["dead_letters"] == [{"consumer": name, "open": 0} for name in CONSUMERS]
    assert (found["consumers"], found["unknown"]) == ([], ["kafka"])


async def test_the_lag_of_every_partition_is_told(
    database_url: str, kafka_server: KafkaServer, topic_prefix: str
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, topic_prefix=topic_prefix)
    async with serving(database_url, kafka=kafka) as api:
        found = await lag(api)

    assert found["unknown"] == []
    assert {one["consumer"] for one in found["consumers"]} == set(CONSUMERS)
    assert {one["topic"] for one in found["consumers"]} == {
        f"{topic_prefix}{name}" for name in ("orders", "payments", "tickets")
    }
    assert {one["partition"] for one in found["consumers"]} == set(range(kafka.partitions))
    assert {one["lag"] for one in found["consumers"]} == {0}


async def test_totals_grow_with_what_is_done(api: Api) -> None:
    before = (await lag(api))["totals"]
    flight = await api.flight()
    for _ in range(3):
        await api.place(flight)
    await api.execute("DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox)")
    await asyncio.gather(
        *(leave() for leave in (api.assembly.leaving[-1], api.engine.dispose))
    )  # statistics go with it

    def grown(now: Mapping[str, int]) -> bool:
        return (now["orders"], now["published"]) == (before["orders"] + 3, before["published"] + 1)

    async def look() -> dict[str, int]:
        now: dict[str, int] = (await lag(api))["totals"]
        return now if grown(now) else {}

    looked: Callable[[], dict[str, int] | Awaitable[dict[str, int]]] = look
    totals = await eventually(looked, within=15)
    assert totals["finished"] == before["finished"]


async def test_operations_are_for_operators(api: Api) -> None:
    for path in ("/ops/lag", "/ops/load"):
        assert refusal(await api.get(path, user="ann")) == (403, "forbidden")
        assert refusal(await api.get(path)) == (401, "unauthorized")


async def test_whoever_asks_gets_a_token_of_the_demo(api: Api) -> None:
    anna = (await api.client.post("/auth/demo", json={"user": "anna"})).json()
    guest = (await api.client.post("/auth/demo", json={})).json()
    olga = (await api.client.post("/auth/demo", json={"user": "olga", "role": "operator"})).json()

    assert (anna["user"], anna["role"], guest["user"][:6]) == ("anna", "customer", "guest-")
    for made, path in ((anna, "/orders"), (guest, "/orders"), (olga, "/ops/chaos")):
        answer = await api.client.get(path, headers={"Authorization": f"Bearer {made['token']}"})
        assert answer.status_code == 200


@pytest.mark.parametrize("body", [{"user": ""}, {"role": "admin"}, {"name": "anna"}, {"user": "a\nb"}])
async def test_a_token_that_makes_no_sense_is_refused(api: Api, body: dict[str, str]) -> None:
    status, _ = refusal(await api.client.post("/auth/demo", json=body))

    assert status == 422


async def test_where_demo_tokens_are_off_there_are_none(database_url: str) -> None:
    async with serving(database_url, auth=AuthSettings(demo=False)) as api:
        assert refusal(await api.client.post("/auth/demo", json={})) == (403, "demo_auth_off")


async def load(api: LiveApi, method: str = "GET", **body: float) -> dict[str, Any]:
    headers = api.bearer("olga", "operator")
    answer = await api.client.request(method, "/ops/load", headers=headers, json=body or None)
    return {**answer.json(), "code": answer.json().get("code"), "status": answer.status_code}


@pytest.mark.usefixtures("signal_handlers")
async def test_a_load_is_switched_on_and_ends_by_itself(database_url: str) -> None:
    async with live(database_url) as api:
        assert (await load(api))["running"] is False
        begun = await load(api, "PUT", rate=20, seconds=1)
        assert (begun["status"], begun["running"], begun["rate"]) == (200, True, 20)
        again = await load(api, "PUT", rate=1, seconds=1)
        assert (again["status"], again["code"]) == (409, "load_running")

        done = await eventually(_ended(api), within=20)
        assert (done["accepted"], done["failed"], done["error"]) == (20, 0, None)


@pytest.mark.usefixtures("signal_handlers")
async def test_a_load_can_be_stopped_and_does_not_hold_up_the_end(database_url: str) -> None:
    async with live(database_url) as api:
        await load(api, "PUT", rate=10, seconds=120)
        await load(api, "DELETE")
        stopped = await eventually(_ended(api), within=10)
        assert stopped["accepted"] < 100
        assert (await load(api, "PUT", rate=10, seconds=120))["status"] == 200
        api.terminate()
        await asyncio.wait_for(api.role, 8)


@pytest.mark.usefixtures("signal_handlers")
async def test_a_load_that_is_too_much_is_refused(database_url: str) -> None:
    async with live(database_url) as api:
        for body in ({"rate": 201.0, "seconds": 1.0}, {"rate": 1.0, "seconds": 121.0}, {"rate": 0.0, "seconds": 1.0}):
            assert (await load(api, "PUT", **body))["code"] == "invalid_request"


def _ended(api: LiveApi) -> Callable[[], dict[str, Any] | Awaitable[dict[str, Any]]]:
    async def ended() -> dict[str, Any]:
        state = await load(api)
        return {} if state["running"] else state

    return ended
