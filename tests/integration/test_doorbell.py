"""A worker that rests and a shop in another process, which have PostgreSQL and Redis in common."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count

import msgspec
import pytest

from ordersys.bootstrap.platform import PlatformContainer
from ordersys.bootstrap.signals import opening
from ordersys.config import RedisSettings, Secret, Settings
from ordersys.messaging.doorbell import QUIET_SECONDS, Doorbell
from ordersys.messaging.signals import SignalReader
from tests.integration.saga import saga_of, settings_of
from tests.waiting import eventually


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return msgspec.structs.replace(settings_of(database_url), redis=RedisSettings(url=Secret(redis_url)))


@pytest.fixture
async def resting(settings: Settings) -> AsyncIterator[Doorbell]:
    async def nothing() -> int:
        return 0

    bell = Doorbell(relay=nothing, ticker=count(step=QUIET_SECONDS).__next__, idle=60, deaf_idle=0.05)
    reader = SignalReader(open=opening(settings.redis, "worker"), audience=bell)
    listening = asyncio.create_task(_listen(reader))
    await eventually(lambda: bell.pause() == 60)
    bell.wake.clear()
    yield bell
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await reader.close()


async def _listen(reader: SignalReader) -> None:
    while await reader.run_once():
        pass


async def test_a_new_order_wakes_a_worker_that_rests(settings: Settings, resting: Doorbell) -> None:
    platform = PlatformContainer(settings=settings, name="shop")
    saga = await saga_of(platform)

    await saga.place(1)

    await asyncio.wait_for(resting.wake.wait(), 5)
    await platform.signals().close()
    await platform.engine().dispose()
