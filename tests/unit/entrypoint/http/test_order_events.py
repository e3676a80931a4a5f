import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from ordersys.domain.orders.order import Status
from ordersys.entrypoint.http import order_events
from ordersys.entrypoint.http.order_events import END, RETRY, STILL_HERE, stream_of, workflow_event
from ordersys.entrypoint.order_watch import OrderUpdate, Watcher
from tests.fakes.making import order_id
from tests.unit.entrypoint.test_order_watch import flow


@pytest.fixture
def watcher() -> Watcher:
    return Watcher(order_id=order_id(1), render=workflow_event, on_stop=lambda _: None)


async def rest(stream: AsyncIterator[bytes]) -> list[bytes]:
    return [one async for one in stream]


def test_an_event_is_the_workflow_on_one_line_with_its_version() -> None:
    head, version, data, *end = workflow_event(flow(1, Status.CREATED)).decode().split("\n")

    assert (head, end) == ("event: workflow", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == json.loads(msgspec.json.encode(flow(1, Status.CREATED)))
    assert version.startswith("id: ")


def test_the_version_is_that_of_the_content() -> None:
    def version(status: Status) -> bytes:
        return workflow_event(flow(1, status)).split(b"\n")[1]

    assert version(Status.CREATED) == version(Status.CREATED) != version(Status.COMPLETED)


async def test_a_stream_begins_with_the_order_as_it_is_and_ends_with_the_last_sight(watcher: Watcher) -> None:
    watcher.deliver(OrderUpdate(rendered=b"first", last=False))
    stream = stream_of(watcher)

    assert [await anext(stream), await anext(stream)] == [RETRY, b"first"]
    watcher.deliver(OrderUpdate(rendered=b"second", last=True))
    assert await rest(stream) == [b"second", END]


async def test_what_was_shown_already_is_not_repeated(watcher: Watcher) -> None:
    watcher.deliver(OrderUpdate(rendered=b"first", last=False))
    stream = stream_of(watcher)
    assert [await anext(stream), await anext(stream)] == [RETRY, b"first"]
    watcher.deliver(OrderUpdate(rendered=b"first", last=True))

    assert await rest(stream) == [END]


async def test_silence_is_broken_by_a_sign_of_life(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_events, "SILENCE_SECONDS", 0.01)
    watcher.deliver(OrderUpdate(rendered=b"first", last=False))
    stream = stream_of(watcher)

    assert [await anext(stream) for _ in range(4)] == [RETRY, b"first", STILL_HERE, STILL_HERE]


async def test_a_stream_closes_without_an_end_when_the_watch_does(watcher: Watcher) -> None:
    watcher.deliver(OrderUpdate(rendered=b"first", last=False))
    stream = stream_of(watcher)
    assert [await anext(stream), await anext(stream)] == [RETRY, b"first"]
    watcher.close()

    assert END not in await rest(stream)


async def test_who_stops_reading_has_left() -> None:
    left: list[Watcher] = []
    watcher = Watcher(order_id=order_id(1), render=workflow_event, on_stop=left.append)
    reading = asyncio.ensure_future(rest(stream_of(watcher)))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    assert left == [watcher]


async def test_nobody_watches_for_ever_without_showing_the_token_again(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_events, "LONGEST_SECONDS", 0.0)

    assert await rest(stream_of(watcher)) == [RETRY]
