"""A worker that rests and a shop in another process, which have PostgreSQL and Redis in common."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count

import msgspec
import pytest

from ordersys.bootstrap.notifications import channel_opener
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import RedisSettings, Secret, Settings
from ordersys.messaging.notifications import NotificationReader
from ordersys.messaging.notified_relay import QUIET_SECONDS, NotifiedRelay
from tests.integration.saga import saga_of, settings_of
from tests.waiting import eventually


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return msgspec.structs.replace(settings_of(database_url), redis=RedisSettings(url=Secret(redis_url)))


@pytest.fixture
async def resting(settings: Settings) -> AsyncIterator[NotifiedRelay]:
    async def nothing() -> int:
        return 0

    bell = NotifiedRelay(relay=nothing, ticker=count(step=QUIET_SECONDS).__next__, idle=60, disconnected_idle=0.05)
    reader = NotificationReader(open=channel_opener(settings.redis, "worker"), subscriber=bell)
    notification_loop = asyncio.create_task(_listen(reader))
    await eventually(lambda: bell.pause() == 60)
    bell.wake.clear()
    yield bell
    notification_loop.cancel()
    with suppress(asyncio.CancelledError):
        await notification_loop
    await reader.close()


async def _listen(reader: NotificationReader) -> None:
    while await reader.run_once():
        pass


async def test_a_new_order_wakes_a_worker_that_rests(settings: Settings, resting: NotifiedRelay) -> None:
    platform = PlatformContainer(settings=settings, name="shop")
    saga = await saga_of(platform)

    await saga.place(1)

    await asyncio.wait_for(resting.wake.wait(), 5)
    await platform.notifier().close()
    await platform.engine().dispose()
