from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import aiohttp
import pytest

from ordersys.workshop.load.client import FlightPayload, HttpApi, PlacementResponse, Unreachable

ORDER = b"""{"id":"o1","status":"CREATED","items":[],"total":{"amount":1,"currency":"RUB"},
"created_at":"2026-11-23T10:00:00Z","updated_at":"2026-11-23T10:00:00Z"}"""


@dataclass
class Reply:
    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    async def read(self) -> bytes:
        return self.content


@dataclass
class Session:
    """What aiohttp's session does for us, without a network."""

    reply: Reply | Exception
    requests: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    @asynccontextmanager
    async def request(self, method: str, path: str, **request: Any) -> AsyncIterator[Reply]:
        self.requests.append((method, path, request))
        if isinstance(self.reply, Exception):
            raise self.reply
        yield self.reply


def api(session: Session) -> HttpApi:
    return HttpApi(cast("aiohttp.ClientSession", session), lambda customer: f"token-of-{customer}", "looker")


async def test_an_order_is_placed_with_key_and_token() -> None:
    session = Session(Reply(201, ORDER))

    answer = await api(session).place("ann", "k1", b"{}")

    method, path, request = session.requests[0]
    assert answer == PlacementResponse(status=201, order_id="o1")
    assert (method, path, request["data"]) == ("POST", "orders", b"{}")
    assert request["headers"]["Authorization"] == "Bearer token-of-ann"
    assert request["headers"]["Idempotency-Key"] == "k1"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(409, b'{"code":"sold_out","title":"x"}'), PlacementResponse(status=409, code="sold_out")),
        (Reply(503, b"{}", {"Retry-After": "2"}), PlacementResponse(status=503, code="503", retry_after=2)),
        (Reply(502, b"<html>", {"Retry-After": "soon"}), PlacementResponse(status=502, code="502")),
    ],
)
async def test_a_refusal_has_its_code_and_how_long_to_wait(reply: Reply, answer: PlacementResponse) -> None:
    assert await api(Session(reply)).place("ann", "k1", b"{}") == answer


@pytest.mark.parametrize(
    "reply", [aiohttp.ClientError("gone"), TimeoutError(), OSError("reset"), Reply(201, b"<html>")]
)
async def test_without_a_readable_answer_nobody_knows(reply: Reply | Exception) -> None:
    with pytest.raises(Unreachable):
        await api(Session(reply)).place("ann", "k1", b"{}")


async def test_flights_and_orders_are_read() -> None:
    flights = Session(Reply(200, b'{"items":[{"id":"f1","seats_left":3,"airline":"SU"}]}'))
    orders = Session(Reply(200, b'{"items":[' + ORDER + b'],"next_cursor":"o1"}'))

    found = await api(flights).flights("SVO", "LED", date(2026, 12, 1))
    page = await api(orders).orders("ann", "o2")

    assert list(found) == [FlightPayload(id="f1", seats_left=3)]
    assert flights.requests[0][2]["params"] == {"from": "SVO", "to": "LED", "date": "2026-12-01"}
    assert ([order.id for order in page.items], page.next_cursor) == (["o1"], "o1")
    assert orders.requests[0][2]["params"] == {"limit": "100", "cursor": "o2"}


async def test_a_list_that_is_refused_is_no_list() -> None:
    with pytest.raises(Unreachable, match="401 unauthorized"):
        await api(Session(Reply(401, b'{"code":"unauthorized"}'))).orders("ann", None)
