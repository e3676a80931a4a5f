"""GET /orders/{id}/events over a real server: who watches sees every change, and costs next to nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from time import monotonic

import pytest

from ordersys.config import RedisSettings, Secret, WatchingSettings
from tests.integration.http_api import refusal
from tests.integration.live_api import Events, LiveApi, live
from tests.servers import ValkeyServer
from tests.waiting import eventually

# Only what is told can be seen in time.
NEVER = WatchingSettings(poll_seconds=3600, disconnected_poll_seconds=3600)
READ_MANY = "o.id = ANY"
pytestmark = pytest.mark.usefixtures("signal_handlers")


@pytest.fixture
async def api(database_url: str, redis_url: str) -> AsyncIterator[LiveApi]:
    async with live(database_url, redis=RedisSettings(url=Secret(redis_url)), watching=NEVER) as api:
        yield api


async def test_the_first_event_is_the_workflow_as_it_is(api: LiveApi) -> None:
    order_id = await api.order()
    async with api.watching(order_id) as events:
        first = await events.next()
        workflow = await api.client.get(f"/orders/{order_id}/workflow", headers=api.bearer("ann"))

        assert events.answer.headers["content-type"].startswith("text/event-stream")
        assert events.answer.headers["cache-control"] == "no-store"
        assert (first.kind, first.data) == ("workflow", workflow.json())
        assert first.version


async def test_a_change_is_seen_when_it_is_committed(api: LiveApi) -> None:
    order_id = await api.order()
    async with api.watching(order_id) as events:
        first = await events.next()
        await api.cancel(order_id)
        changed = await events.until("CANCELLED")

        assert changed.data["waiting_for"] is not None
        assert changed.version != first.version


async def test_however_many_watch_a_change_is_one_read(api: LiveApi) -> None:
    order_id = await api.order()
    async with AsyncExitStack() as streams:
        watching: list[Events] = [await streams.enter_async_context(api.watching(order_id)) for _ in range(25)]
        for events in watching:
            await events.next()
        with api.recorder.recording() as sent:
            await api.cancel(order_id)
            for events in watching:
                await events.until("CANCELLED")

    # One more if it began to listen only just now, and looked for what it had missed.
    assert 1 <= len([one for one in sent if READ_MANY in one.sql]) <= 2


async def test_an_order_is_watched_by_its_owner_and_by_operators(api: LiveApi) -> None:
    order_id = await api.order()
    async with api.watching(order_id, user="olga", role="operator") as events:
        assert (await events.next()).data["order"]["id"] == order_id
    async with api.watching(order_id, user="bob") as events:
        assert refusal(events.answer) == (404, "order_not_found")
    assert refusal(await api.client.get(f"/orders/{order_id}/events")) == (401, "unauthorized")
    assert refusal(await api.client.get("/orders/one/events", headers=api.bearer("ann"))) == (404, "not_found")


async def test_streams_of_customers_leave_out_what_is_for_operators(api: LiveApi) -> None:
    order_id = await api.order()
    async with api.watching(order_id) as events, api.watching(order_id, user="olga", role="operator") as others:
        customer, operator = (await events.next()).data, (await others.next()).data
        assert (customer["waiting_for"]["action"], operator["waiting_for"]["action"]) == (None, "check_status")
        await api.cancel(order_id)
        customer, operator = (await events.until("CANCELLED")).data, (await others.until("CANCELLED")).data

    assert (customer["waiting_for"]["action"], operator["waiting_for"]["action"]) == (None, "check_status")
    assert {**operator, "waiting_for": None} == {**customer, "waiting_for": None}


async def test_streams_have_a_bound_and_a_client_that_leaves_makes_room(database_url: str, redis_url: str) -> None:
    narrow = WatchingSettings(max_streams=1)
    async with live(database_url, redis=RedisSettings(url=Secret(redis_url)), watching=narrow) as api:
        order_id = await api.order()
        async with api.watching(order_id) as events:
            await events.next()
            async with api.watching(order_id) as second:
                assert refusal(second.answer) == (503, "busy")
                assert second.answer.headers["retry-after"]

        async def room() -> bool:
            async with api.watching(order_id) as events:
                return events.answer.status_code == 200

        free: Callable[[], bool | Awaitable[bool]] = room
        await eventually(free)


async def test_streams_end_when_the_role_does_and_hold_nothing_up(api: LiveApi) -> None:
    order_id = await api.order()
    async with api.watching(order_id) as one, api.watching(order_id) as two:
        for events in (one, two):
            await events.next()
        began = monotonic()
        api.terminate()

        assert await one.closed()
        assert await two.closed()
        await asyncio.wait_for(api.role, 5)
        assert monotonic() - began < 3


async def test_without_redis_changes_are_found_by_looking(database_url: str) -> None:
    async with live(database_url, watching=WatchingSettings(disconnected_poll_seconds=0.1)) as api:
        order_id = await api.order()
        async with api.watching(order_id) as events:
            await events.next()
            await api.cancel(order_id)

            assert (await events.until("CANCELLED")).kind == "workflow"


async def test_a_redis_that_comes_back_is_listened_to_again(
    database_url: str, redis_url: str, valkey_server: ValkeyServer
) -> None:
    looking = WatchingSettings(poll_seconds=3600, disconnected_poll_seconds=0.2)
    async with live(database_url, redis=RedisSettings(url=Secret(redis_url)), watching=looking) as api:
        first, second = await api.order(), await api.order()
        async with api.watching(first) as events, api.watching(second) as others:
            await events.next()
            await others.next()
            valkey_server.kill()
            await api.cancel(first)
            assert (await events.until("CANCELLED")).kind == "workflow"
            valkey_server.start()
            await api.cancel(second)
            assert (await others.until("CANCELLED")).kind == "workflow"
