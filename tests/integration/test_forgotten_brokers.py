"""Clients that were made to forget every broker by librdkafka: they say so, or are replaced."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ordersys.config import KafkaSettings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka.group_lags import GroupLags
from ordersys.infrastructure.kafka.stream import KafkaStream, MemberLost
from tests.contract.kafka_worlds import until
from tests.integration.lone_broker import LoneBroker, lone_broker
from tests.waiting import eventually

WITHIN = 90.0
LONG_ENOUGH = 10  # fetches, half a second each
OFTEN = 5


@pytest.fixture
async def broker() -> AsyncIterator[LoneBroker]:
    async with lone_broker("t") as broker:
        yield broker


@pytest.fixture
def kafka(broker: LoneBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


async def test_a_member_says_that_it_is_lost(broker: LoneBroker, kafka: KafkaSettings) -> None:
    stream = KafkaStream(kafka, group="g", topics=["t"], instance="test")

    async def connected() -> bool:
        await stream.fetch()
        return stream.connected

    async def go_on() -> None:
        """It forgets when the answer and the end of the connection come close together: about every second time."""
        while True:
            broker.tell_of_itself()
            await until(connected)
            broker.tell_of_nobody()
            for _ in range(LONG_ENOUGH):
                await stream.fetch()

    with pytest.raises(MemberLost, match="g: the client has known no broker for 3 s"):
        await asyncio.wait_for(go_on(), WITHIN)
    await stream.close()


async def test_the_lags_are_asked_for_again(broker: LoneBroker, kafka: KafkaSettings) -> None:
    lags = GroupLags(kafka, {"g": ["t"]})

    async def asks() -> None:
        with pytest.raises(Unavailable):
            await lags.read()

    for _ in range(OFTEN):
        broker.tell_of_itself()
        asked = broker.asked
        under_way = asyncio.ensure_future(asks())
        await eventually(lambda: broker.asked > asked)  # noqa: B023  # it is waited for here
        broker.tell_of_nobody()
        await under_way
    await lags.close()
