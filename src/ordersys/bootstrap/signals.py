"""How processes tell each other which orders were changed. The client is imported when there is something to tell, and
in a thread: a role that was killed is back the sooner the less it imports.
"""

import asyncio
from functools import partial
from typing import Final

from ordersys.config import RedisSettings
from ordersys.messaging.loop import Loop, LoopWatch
from ordersys.messaging.signals import Channel, Opening, OrderSignals, SignalReader

CHANNEL: Final = "ordersys:orders:changed"
# How often it is asked whether somebody watches; whoever begins to wakes the loop.
IDLE_SECONDS: Final = 1.0


def order_signals(redis: RedisSettings, name: str, watch: LoopWatch) -> OrderSignals:
    return OrderSignals(open=opening(redis, name), watch=watch)


def opening(redis: RedisSettings, name: str) -> Opening:
    return partial(asyncio.to_thread, _channel, redis, name)


def listening(reader: SignalReader, begun: asyncio.Event, watch: LoopWatch) -> Loop:
    return Loop(name="signal-reader", run_once=reader.run_once, watch=watch, wake=begun, idle=IDLE_SECONDS)


def _channel(redis: RedisSettings, name: str) -> Channel:
    from ordersys.infrastructure.redis.channel import RedisChannel

    return RedisChannel(redis, channel=CHANNEL, name=name)
