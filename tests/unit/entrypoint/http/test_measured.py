from collections.abc import AsyncIterator

import pytest
from litestar import Litestar, get
from litestar.response import Stream
from litestar.testing import TestClient

from ordersys.entrypoint.http import measured
from ordersys.entrypoint.http.measured import TO_THE_START, Measured
from tests.fakes.clock import FakeClock

LONG = 10.0


async def test_only_the_time_to_its_start_counts_for_a_stream_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, observed = FakeClock(), dict[str, float]()
    monkeypatch.setattr(measured, "perf_counter", clock)

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        clock.advance(LONG)
        yield b"last"

    @get("/ends")
    async def ends() -> Stream:
        return Stream(body())

    @get("/goes-on", opt={TO_THE_START: True})
    async def goes_on() -> Stream:
        clock.advance(1)
        return Stream(body())

    observe = Measured(lambda method, route, status, seconds: observed.update({route: seconds}))
    with TestClient(Litestar([ends, goes_on], middleware=[observe], openapi_config=None)) as client:
        assert client.get("/ends").text == client.get("/goes-on").text == "firstlast"

    assert observed == {"/ends": LONG, "/goes-on": 1.0}
