"""The api role when what it needs is away, or when it has too much to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from ordersys.config import CoalescerSettings, KafkaSettings
from ordersys.domain.shared.errors import Unavailable
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, streams_of
from tests.integration.http_api import Api, order_of, refusal, serving
from tests.servers import KafkaServer, PostgresServer
from tests.waiting import eventually


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


def gauges(exposition: str) -> dict[str, float]:
    """Samples by name and labels, as in `name{consumer=order-service}`."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


async def run_sampler(api: Api, name: str) -> None:
    [loop] = [loop for loop in api.assembly.loops if loop.name == name]
    await loop.run_once()


async def test_without_postgres_every_route_says_come_again(api: Api, postgres_server: PostgresServer) -> None:
    flight = await api.flight()
    order = await api.place(flight)
    postgres_server.stop()

    answers = [
        await api.search(),
        await api.get(f"/flights/{flight}"),
        await api.get("/orders", user="ann"),
        await api.get(f"/orders/{order['id']}", user="ann"),
        await api.get(f"/orders/{order['id']}/workflow", user="ann"),
        await api.post(order_of(flight)),
    ]

    assert [refusal(answer) for answer in answers] == [(503, "unavailable")] * 6
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}


async def test_readiness_depends_on_postgres_and_liveness_on_nothing(api: Api, postgres_server: PostgresServer) -> None:
    assert (await api.get("/health/ready")).status_code == 200
    postgres_server.stop()

    ready = await api.get("/health/ready")
    live = await api.get("/health/live")

    assert ready.status_code == 503
    assert ready.json() == {"status": "not ready", "role": "api", "checks": {"postgres": False}, "draining": False}
    assert live.status_code == 200


async def test_when_postgres_is_back_so_is_the_api(api: Api, postgres_server: PostgresServer) -> None:
    flight = await api.flight()
    postgres_server.kill()
    assert refusal(await api.post(order_of(flight), key="k")) == (503, "unavailable")
    postgres_server.start()

    assert (await api.get("/health/ready")).status_code == 200
    assert (await api.post(order_of(flight), key="k")).status_code == 201


async def test_a_full_queue_says_come_again_and_drains(database_url: str) -> None:
    narrow = CoalescerSettings(batch_size=1, batches_in_flight=1, queue_size=1)
    async with serving(database_url, coalescer=narrow) as api:
        flight = await api.flight()
        async with api.engine.begin() as holder:
            await holder.execute(text("SELECT 1 FROM flights FOR UPDATE"))
            running = asyncio.create_task(api.post(order_of(flight)))
            await _waits_for_a_lock(api)
            waiting = [asyncio.create_task(api.post(order_of(flight))) for _ in range(3)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            early = [task.result() for task in done]
        answers = await asyncio.gather(running, *waiting)

    assert {refusal(answer) for answer in early} == {(503, "busy")}
    assert {answer.headers["retry-after"] for answer in early} == {"1"}
    assert [answer.status_code for answer in answers].count(201) == 2


async def _waits_for_a_lock(api: Api) -> None:
    waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    sessions: Callable[[], int | Awaitable[int]] = partial(api.count, waiting)
    await eventually(sessions, what="a session that waits for a lock")


async def test_a_bug_is_answered_without_its_reasons(api: Api) -> None:
    flight = await api.flight()
    order = await api.place(flight)
    await api.execute("ALTER TABLE tickets RENAME TO hidden")

    for path in ("", "/workflow"):
        assert refusal(await api.get(f"/orders/{order['id']}{path}", user="ann")) == (500, "internal_error")


async def test_the_outbox_is_told_by_the_api(api: Api) -> None:
    await api.place(await api.flight())
    await api.execute("UPDATE outbox SET occurred_at = now() - interval '1 minute'")

    await run_sampler(api, "outbox-sampler")
    shown = gauges((await api.get("/metrics")).text)

    assert shown["ordersys_orders_created_total"] == 1
    assert shown["ordersys_outbox_pending"] == 1
    assert 60 <= shown["ordersys_outbox_oldest_pending_seconds"] < 90


async def test_requests_are_counted_by_route_and_status(api: Api) -> None:
    await api.search()
    await api.get("/orders")

    shown = gauges((await api.get("/metrics")).text)

    seconds = "ordersys_http_request_duration_seconds_count{method=GET}{route=%s}{status=%s}"
    assert shown[seconds % ("/flights", 200)] == 1
    assert shown[seconds % ("/orders", 401)] == 1


async def test_lag_is_told_by_the_api_when_no_consumer_lives(
    database_url: str, kafka_server: KafkaServer, topic_prefix: str
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_server.bootstrap_servers, topic_prefix=topic_prefix)
    async with serving(database_url, kafka=kafka) as api:
        # A broker that has just made the topics may need a moment to lead them.
        told: Callable[[], bool | Awaitable[bool]] = partial(_sampled, api)
        await eventually(told)
        shown = gauges((await api.get("/metrics")).text)

    lags = {name: value for name, value in shown.items() if name.startswith("ordersys_consumer_lag")}
    groups = {group: streams_of(group) for group in SUBSCRIPTIONS}
    assert lags == {
        f"ordersys_consumer_lag{{consumer={group}}}{{topic={topic_prefix}{stream}}}": 0
        for group, streams in groups.items()
        for stream in streams
    }


async def _sampled(api: Api) -> bool:
    try:
        await run_sampler(api, "lag-sampler")
    except Unavailable:
        return False
    return True


async def test_without_kafka_the_api_works_and_tells_no_lag(api: Api) -> None:
    with pytest.raises(Unavailable):
        await run_sampler(api, "lag-sampler")

    assert (await api.get("/health/ready")).status_code == 200
    assert (await api.post(order_of(await api.flight()))).status_code == 201
    assert "ordersys_consumer_lag{" not in (await api.get("/metrics")).text
