"""How processes tell each other which orders were changed. The client is imported when there is something to tell, and
in a thread: a role that was killed is back the sooner the less it imports.
"""

import asyncio
from functools import partial
from typing import Final

from ordersys.config import RedisSettings
from ordersys.messaging.loop import Loop, LoopObserver
from ordersys.messaging.notifications import Channel, NotificationReader, OpenChannel, OrderNotifier

CHANNEL: Final = "ordersys:orders:changed"
# How often it is asked whether somebody watches; whoever begins to wakes the loop.
IDLE_SECONDS: Final = 1.0


def order_notifier(redis: RedisSettings, name: str, observer: LoopObserver) -> OrderNotifier:
    return OrderNotifier(open=channel_opener(redis, name), observer=observer)


def channel_opener(redis: RedisSettings, name: str) -> OpenChannel:
    return partial(asyncio.to_thread, _channel, redis, name)


def notification_loop(reader: NotificationReader, begun: asyncio.Event, observer: LoopObserver) -> Loop:
    return Loop(name="signal-reader", run_once=reader.run_once, observer=observer, wake=begun, idle=IDLE_SECONDS)


def _channel(redis: RedisSettings, name: str) -> Channel:
    from ordersys.infrastructure.redis.channel import RedisChannel

    return RedisChannel(redis, channel=CHANNEL, name=name)
