import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from ordersys.config import AuthSettings, HttpSettings, Settings
from ordersys.workshop.load.composition import address_of, load_switch
from ordersys.workshop.load.switch import CannotRun, LoadForbidden, LoadRunning, LoadState, LoadSwitch, Run
from tests.fakes.clock import NOON, FakeClock
from tests.waiting import eventually


@dataclass(slots=True, kw_only=True)
class Orders:
    """A run that goes on until it is stopped; `held`: until then it looks for flights."""

    tally: tuple[int, int] = (0, 0)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    error: CannotRun | None = None
    asked: list[tuple[float, float]] = field(default_factory=list)
    closed: int = 0

    async def run(self, *, follow: bool) -> None:
        assert not follow
        await self.stopping.wait()

    @asynccontextmanager
    async def prepare(self, rate: float, seconds: float) -> AsyncIterator[Run]:
        self.asked.append((rate, seconds))
        await self.held.wait()
        if self.error:
            raise self.error
        try:
            yield self
        finally:
            self.closed += 1


@pytest.fixture
def orders() -> Orders:
    made = Orders()
    made.held.set()
    return made


@pytest.fixture
def switch(orders: Orders) -> LoadSwitch:
    return LoadSwitch(allowed=True, prepare=orders.prepare, clock=FakeClock())


async def test_before_the_first_load_nothing_runs(switch: LoadSwitch) -> None:
    assert switch.state() == LoadState(running=False)
    assert switch.stop() == LoadState(running=False)


async def test_a_load_runs_until_its_end_and_is_told_afterwards_too(switch: LoadSwitch, orders: Orders) -> None:
    begun = switch.start(20, 30)
    await eventually(lambda: orders.asked)
    orders.tally = (12, 3)
    running = switch.state()
    orders.stopping.set()
    await eventually(lambda: not switch.state().running)

    assert (begun.running, begun.rate, begun.seconds) == (True, 20, 30)
    assert (begun.started_at, begun.ends_at) == (NOON, NOON + timedelta(seconds=30))
    assert orders.asked == [(20, 30)]
    await eventually(lambda: orders.closed)
    assert (running.accepted, running.failed) == (12, 3)
    assert (switch.state().accepted, switch.state().error) == (12, None)


async def test_only_one_runs_at_a_time(switch: LoadSwitch, orders: Orders) -> None:
    switch.start(1, 1)
    with pytest.raises(LoadRunning):
        switch.start(1, 1)
    await eventually(lambda: orders.asked)
    switch.stop()
    await eventually(lambda: not switch.state().running)

    assert switch.start(2, 2).rate == 2
    switch.close()


async def test_a_stop_ends_the_sending_in_order(switch: LoadSwitch, orders: Orders) -> None:
    switch.start(1, 60)
    await eventually(lambda: switch._last and switch._last.run)
    switch.stop()
    await eventually(lambda: not switch.state().running)

    assert orders.closed == 1


async def test_a_stop_before_it_has_found_flights_ends_it_too(switch: LoadSwitch, orders: Orders) -> None:
    orders.held.clear()
    switch.start(1, 60)
    await eventually(lambda: orders.asked)
    switch.stop()

    await eventually(lambda: not switch.state().running)


async def test_why_it_cannot_run_is_told(switch: LoadSwitch, orders: Orders) -> None:
    orders.error = CannotRun("there is no flight with free seats")
    switch.start(1, 60)
    await eventually(lambda: not switch.state().running)

    assert switch.state().error == "there is no flight with free seats"


async def test_where_it_is_not_allowed_it_does_not_run(orders: Orders) -> None:
    switch = LoadSwitch(allowed=False, prepare=orders.prepare, clock=FakeClock())
    with pytest.raises(LoadForbidden):
        switch.start(1, 1)

    assert orders.asked == []


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        (Settings(), True),
        (Settings(environment="production"), False),
        (Settings(auth=AuthSettings(demo=False)), False),
    ],
)
def test_it_is_not_allowed_in_production_nor_without_demo_tokens(settings: Settings, allowed: bool) -> None:
    assert load_switch(settings, FakeClock()).allowed is allowed


@pytest.mark.parametrize(
    ("http", "address"),
    [
        (HttpSettings(), "http://127.0.0.1:8080"),
        (HttpSettings(host="0.0.0.0", port=80), "http://127.0.0.1:80"),
        (HttpSettings(host="10.0.0.7", port=8081), "http://10.0.0.7:8081"),
        (HttpSettings(host="::1", port=8081), "http://[::1]:8081"),
    ],
)
def test_it_speaks_to_its_own_port(http: HttpSettings, address: str) -> None:
    assert address_of(http) == address
