"""Buying over HTTP, and every way in which it is refused."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from ordersys.config import HttpSettings, OrdersSettings
from tests.integration.http_api import PRICE, Api, order_of, refusal, serving

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    sections = {"orders": OrdersSettings(max_items=2, max_seats=4), "http": HttpSettings(max_body_bytes=1024)}
    async with serving(database_url, **sections) as api:
        yield api


async def test_an_order_is_accepted_with_its_seats_and_its_event(api: Api) -> None:
    flight = await api.flight()

    answer = await api.post(order_of(flight, seats=2))

    order = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/orders/{order['id']}"
    assert "idempotency-replayed" not in answer.headers
    assert MOMENT.fullmatch(order["created_at"])
    price = {"amount": PRICE, "currency": "RUB"}
    assert order == {
        "id": order["id"],
        "status": "CREATED",
        "items": [{"flight_id": str(flight), "seats": 2, "unit_price": price}],
        "total": {"amount": 2 * PRICE, "currency": "RUB"},
        "created_at": order["created_at"],
        "updated_at": order["created_at"],
        "reason": None,
        "payment": None,
        "tickets": [],
    }
    assert UUID(order["id"]).version == 7
    assert await api.seats_taken(flight) == 2
    assert await api.count("outbox") == 1


async def test_the_location_leads_to_the_order(api: Api) -> None:
    answer = await api.post(order_of(await api.flight()))

    found = await api.get(answer.headers["location"], user="ann")

    assert (found.status_code, found.content) == (200, answer.content)


async def test_the_same_flight_twice_in_one_order_takes_the_seats_of_both_items(api: Api) -> None:
    flight = await api.flight(seats_total=2)

    assert (await api.post(order_of(flight, flight))).status_code == 201
    assert refusal(await api.post(order_of(flight))) == (409, "sold_out")


async def test_an_order_at_the_expected_total_is_accepted(api: Api) -> None:
    flight = await api.flight()

    answer = await api.post(order_of(flight, expected_total={"amount": PRICE, "currency": "RUB"}))

    assert answer.status_code == 201


async def test_a_trace_goes_on(api: Api) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    answer = await api.post(order_of(await api.flight()), traceparent=f"00-{trace}-00f067aa0ba902b7-01")

    assert answer.status_code == 201
    assert await api.count(f"outbox WHERE headers->>'traceparent' LIKE '00-{trace}-%'") == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    code: str
    status: int = 422
    flight: dict[str, Any] | None = None
    seats: int = 1
    more: dict[str, Any] | None = None


SOON = datetime.now(UTC)
DECIDED = [
    Case(status=409, code="sold_out", flight={"seats_total": 1}, seats=2),
    Case(status=409, code="price_changed", more={"expected_total": {"amount": PRICE - 1, "currency": "RUB"}}),
    Case(status=409, code="price_changed", more={"expected_total": {"amount": PRICE, "currency": "EUR"}}),
    Case(code="flight_departed", flight={"departs_at": SOON - timedelta(minutes=1)}),
    Case(code="too_many_seats", seats=5),
]


@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case.code)
async def test_what_is_refused_leaves_nothing_behind(api: Api, case: Case) -> None:
    flight = await api.flight(**case.flight or {})

    answer = await api.post(order_of(flight, seats=case.seats, **case.more or {}))

    assert refusal(answer) == (case.status, case.code)
    assert await api.seats_taken(flight) == 0
    assert (await api.count("orders"), await api.count("outbox")) == (0, 0)


async def test_a_flight_that_nobody_knows_is_refused(api: Api) -> None:
    assert refusal(await api.post(order_of(uuid4()))) == (422, "flight_unknown")


async def test_one_order_holds_one_currency(api: Api) -> None:
    mixed = order_of(await api.flight(), await api.flight(currency="EUR"))

    assert refusal(await api.post(mixed)) == (422, "currencies_mixed")


async def test_one_order_has_so_many_items(api: Api) -> None:
    flight = await api.flight()

    assert refusal(await api.post(order_of(flight, flight, flight))) == (422, "too_many_items")


async def test_one_sold_out_flight_holds_no_seat_on_another(api: Api) -> None:
    free, full = await api.flight(), await api.flight(seats_total=0)

    assert refusal(await api.post(order_of(free, full))) == (409, "sold_out")
    assert await api.seats_taken(free) == 0


UNKNOWN = "00000000-0000-7000-8000-000000000000"
INVALID = {
    "no body": ("", {"message": "A body is required.", "source": "body"}),
    "a list": ("[]", {"message": "Expected `object`, got `array`", "source": "body"}),
    "null": ("null", {"message": "Expected `object`, got `null`", "source": "body"}),
    "no items": ("{}", {"message": "Object missing required field `items`", "source": "body"}),
    "empty items": ({"items": []}, {"message": "Expected `array` of length >= 1", "key": "items", "source": "body"}),
    "unknown field": (
        order_of(UUID(UNKNOWN), payment_metod="pm_ok"),
        {"message": "Object contains unknown field `payment_metod`", "source": "body"},
    ),
    "unknown field within": (
        {"items": [{"flight_id": UNKNOWN, "seats": 1, "meal": "fish"}]},
        {"message": "Object contains unknown field `meal`", "key": "items[0]", "source": "body"},
    ),
    "no seats": (
        order_of(UUID(UNKNOWN), seats=0),
        {"message": "Expected `int` >= 1", "key": "items[0].seats", "source": "body"},
    ),
    "no flight": (
        {"items": [{"flight_id": "SU 6", "seats": 1}]},
        {"message": "Invalid UUID", "key": "items[0].flight_id", "source": "body"},
    ),
    "method": (
        order_of(UUID(UNKNOWN), payment_method="pm ok\x00"),
        {"message": "Expected `str` matching regex '^[a-z0-9_]{1,50}$'", "key": "payment_method", "source": "body"},
    ),
    "money": (
        order_of(UUID(UNKNOWN), expected_total={"amount": -1, "currency": "RUB"}),
        {"message": "Expected `int` >= 0", "key": "expected_total.amount", "source": "body"},
    ),
}


@pytest.mark.parametrize("name", INVALID)
async def test_an_invalid_body_is_refused_with_the_place(api: Api, name: str) -> None:
    body, flaw = INVALID[name]

    answer = await api.post(body)

    assert refusal(answer) == (422, "invalid_request")
    assert answer.json()["errors"] == [flaw]


@pytest.mark.parametrize("body", ["{", "{'items': []}", b"\xff\xfe", '"\\ud800"', "[" * 900])
async def test_a_body_that_is_no_json_is_malformed(api: Api, body: str | bytes) -> None:
    assert refusal(await api.post(body)) == (400, "malformed_body")


async def test_a_body_that_is_too_large_is_not_read(api: Api) -> None:
    assert refusal(await api.post(" " * 1025)) == (413, "body_too_large")


async def test_a_body_whose_length_is_not_told_is_read_no_further_than_allowed(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    headers = {**api.bearer("ann"), "Idempotency-Key": "k"}
    answer = await api.client.post("/orders", content=endless(), headers=headers)

    assert refusal(answer) == (413, "body_too_large")


async def test_a_method_that_the_path_has_not_is_refused(api: Api) -> None:
    answer = await api.client.put("/orders", headers=api.bearer("ann"))

    assert refusal(answer) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))
