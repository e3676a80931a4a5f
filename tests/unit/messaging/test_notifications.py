import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from ordersys.domain.shared.errors import DomainError, Unavailable
from ordersys.messaging import notifications
from ordersys.messaging.notifications import NotificationReader, OrderNotifier
from tests.fakes.making import order_id
from tests.fakes.notifications import FakeChannel, FakeServer
from tests.waiting import eventually


@dataclass(slots=True, kw_only=True)
class RecordingNotifier:
    """A LoopObserver."""

    lines: list[str] = field(default_factory=list)

    def unavailable(self, loop: str, error: DomainError) -> None:
        self.lines.append(f"lost {loop} {error.code}")

    def recovered(self, loop: str) -> None:
        self.lines.append(f"back {loop}")


@dataclass(slots=True, kw_only=True)
class Subscriber:
    watching: bool = True
    heard: list[UUID] = field(default_factory=list)
    is_deaf: bool = True

    def changed(self, order_ids: Iterable[UUID]) -> None:
        self.heard.extend(order_ids)

    def disconnected(self, disconnected: bool) -> None:
        self.is_deaf = disconnected


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def told() -> RecordingNotifier:
    return RecordingNotifier()


@pytest.fixture
def sending(server: FakeServer, told: RecordingNotifier) -> OrderNotifier:
    async def opened() -> FakeChannel:
        return FakeChannel(server=server)

    return OrderNotifier(open=opened, observer=told)


def ids(*numbers: int) -> list[UUID]:
    return [order_id(number) for number in numbers]


def read(message: bytes) -> set[UUID]:
    return {UUID(bytes=message[start : start + 16]) for start in range(0, len(message), 16)}


async def test_what_is_told_is_published_as_one_message(sending: OrderNotifier, server: FakeServer) -> None:
    sending.notify(ids(1, 2))
    await eventually(lambda: server.published)

    assert [read(one) for one in server.published] == [set(ids(1, 2))]
    await sending.close()


async def test_what_is_told_meanwhile_shares_the_next_message(
    sending: OrderNotifier, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "UNHEARD_SECONDS", 0.05)
    sending.notify(ids(1))
    await eventually(lambda: server.published)
    for number in (2, 3, 2, 4):
        sending.notify(ids(number))
    await eventually(lambda: len(server.published) > 1)

    assert [read(one) for one in server.published] == [set(ids(1)), set(ids(2, 3, 4))]
    await sending.close()


async def test_nothing_is_published_when_nothing_changed(sending: OrderNotifier, server: FakeServer) -> None:
    sending.notify(())
    await asyncio.sleep(0)

    assert server.published == []
    await sending.close()


async def test_there_is_less_hurry_when_nobody_listens(sending: OrderNotifier, server: FakeServer) -> None:
    assert await sending._publish(ids(1)) == notifications.UNHEARD_SECONDS

    await FakeChannel(server=server).subscribe()

    assert await sending._publish(ids(1)) == notifications.LISTENED_SECONDS
    await sending.close()


async def test_an_absent_server_is_told_once_and_costs_nobody_anything(
    sending: OrderNotifier, server: FakeServer, told: RecordingNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "AWAY_SECONDS", 0.001)
    server.away = True
    for number in range(5):
        sending.notify(ids(number))
        await eventually(lambda: sending._sending is None)
    server.away = False
    sending.notify(ids(9))
    await eventually(lambda: server.published)

    assert told.lines == ["lost order-signals unavailable", "back order-signals"]
    assert [read(one) for one in server.published] == [set(ids(9))]
    await sending.close()


async def test_what_waits_has_a_bound(sending: OrderNotifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "MOST_WAITING", 10)
    for number in range(100):
        sending.notify(ids(number))

    assert len(sending._waiting) == 10
    await sending.close()


async def test_after_its_end_nothing_is_sent(sending: OrderNotifier, server: FakeServer) -> None:
    await sending.close()
    sending.notify(ids(1))
    await asyncio.sleep(0)

    assert server.published == []
    assert sending._sending is None


def reader(server: FakeServer, subscriber: Subscriber) -> NotificationReader:
    async def opened() -> FakeChannel:
        return FakeChannel(server=server)

    return NotificationReader(open=opened, subscriber=subscriber)


async def test_changes_reach_those_who_watch(sending: OrderNotifier, server: FakeServer) -> None:
    subscriber = Subscriber()
    reading = reader(server, subscriber)
    await reading.run_once()
    sending.notify(ids(1, 2))
    await eventually(lambda: server.published)
    await reading.run_once()

    assert set(subscriber.heard) == set(ids(1, 2))
    assert not subscriber.is_deaf
    await sending.close()


async def test_nobody_is_listened_for_when_nobody_watches(server: FakeServer) -> None:
    subscriber = Subscriber()
    reading = reader(server, subscriber)
    assert await reading.run_once() == 1
    subscriber.watching = False

    assert await reading.run_once() == 0
    assert server.listening == []
    assert subscriber.is_deaf


async def test_while_the_server_is_away_the_watchers_know_that_they_are_deaf(server: FakeServer) -> None:
    subscriber = Subscriber()
    reading = reader(server, subscriber)
    await reading.run_once()
    server.away = True

    with pytest.raises(Unavailable):
        await reading.run_once()
    assert subscriber.is_deaf

    server.away = False
    await reading.run_once()
    assert not subscriber.is_deaf


async def test_a_message_that_is_none_of_ours_harms_nobody(server: FakeServer) -> None:
    subscriber = Subscriber()
    reading = reader(server, subscriber)
    await reading.run_once()
    await FakeChannel(server=server).publish(b"short")
    await FakeChannel(server=server).publish(order_id(1).bytes + b"rest")
    await reading.run_once()

    assert subscriber.heard == ids(1)
