"""Cancelling and giving back over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from ordersys.config import HttpSettings
from tests.integration.http_api import Api, refusal, serving

VERBS = ["cancel", "refund"]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url, http=HttpSettings(max_body_bytes=1024)) as api:
        yield api


async def placed(api: Api, status: str = "CREATED", *, user: str = "ann") -> dict[str, Any]:
    order = await api.place(await api.flight(), seats=2, user=user)
    await api.execute("UPDATE orders SET status = :status WHERE id = CAST(:id AS uuid)", status=status, id=order["id"])
    return order


async def events(api: Api) -> int:
    """Besides the OrderCreated."""
    return await api.count("outbox") - 1


@pytest.mark.parametrize("status", ["CREATED", "PAYMENT_AUTHORIZED"])
async def test_an_order_under_way_is_cancelled_and_its_seats_are_free_at_once(api: Api, status: str) -> None:
    order = await placed(api, status)

    answer = await api.change(order["id"], "cancel")

    assert answer.status_code == 202
    now = answer.json()
    assert (now["id"], now["status"], now["reason"]) == (order["id"], "CANCELLED", "changed my mind")
    assert now["updated_at"] > order["updated_at"]
    assert (await api.get(f"/orders/{order['id']}", user="ann")).json() == now
    assert await api.seats_taken(order["items"][0]["flight_id"]) == 0
    assert await events(api) == 1


async def test_a_completed_order_is_given_back_and_keeps_its_seats_until_that_is_done(api: Api) -> None:
    order = await placed(api, "COMPLETED")

    answer = await api.change(order["id"], "refund")

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["reason"]) == ("REFUND_PENDING", "changed my mind")
    assert await api.seats_taken(order["items"][0]["flight_id"]) == 2
    assert await events(api) == 1


@pytest.mark.parametrize(("verb", "status"), [("cancel", "CREATED"), ("refund", "COMPLETED")])
async def test_asked_for_again_it_stays_as_it_is_without_a_second_event(api: Api, verb: str, status: str) -> None:
    order = await placed(api, status)
    first = await api.change(order["id"], verb)

    again = await api.change(order["id"], verb, {"reason": "another reason"})

    assert (again.status_code, again.json()) == (202, first.json())
    assert await events(api) == 1


async def test_asked_for_at_the_same_moment_it_happens_once(api: Api) -> None:
    order = await placed(api)

    answers = await asyncio.gather(*(api.change(order["id"], "cancel") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert await events(api) == 1
    assert await api.seats_taken(order["items"][0]["flight_id"]) == 0


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        ("cancel", "COMPLETED"),
        ("cancel", "REFUND_PENDING"),
        ("cancel", "REFUNDED"),
        ("refund", "CREATED"),
        ("refund", "PAYMENT_AUTHORIZED"),
        ("refund", "CANCELLED"),
    ],
)
async def test_what_the_status_forbids_is_refused(api: Api, verb: str, status: str) -> None:
    order = await placed(api, status)

    answer = await api.change(order["id"], verb)

    assert refusal(answer) == (409, "illegal_move")
    assert status in answer.json()["detail"]
    assert await events(api) == 0


@pytest.mark.parametrize("verb", VERBS)
async def test_another_customers_order_does_not_exist(api: Api, verb: str) -> None:
    order = await placed(api, "COMPLETED" if verb == "refund" else "CREATED")

    foreign = await api.change(order["id"], verb, user="bob")

    assert refusal(foreign) == (404, "order_not_found")
    assert await events(api) == 0
    assert refusal(await api.change(str(uuid4()), verb)) == (404, "order_not_found")
    assert refusal(await api.change("x", verb)) == (404, "not_found")


@pytest.mark.parametrize(("verb", "status"), [("cancel", "CREATED"), ("refund", "COMPLETED")])
async def test_an_operator_may_do_it_for_anybody(api: Api, verb: str, status: str) -> None:
    order = await placed(api, status)

    answer = await api.change(order["id"], verb, user="olga", role="operator")

    assert (answer.status_code, answer.json()["id"]) == (202, order["id"])


@pytest.mark.parametrize("verb", VERBS)
async def test_without_a_token_nothing_is_changed(api: Api, verb: str) -> None:
    order = await placed(api)

    answer = await api.client.post(f"/orders/{order['id']}/{verb}", json={"reason": "r"})

    assert refusal(answer) == (401, "unauthorized")
    assert await events(api) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"reason": ""}, "invalid_request"),
        ({"reason": "  "}, "invalid_request"),
        ({"reason": "x" * 201}, "invalid_request"),
        ({"reason": "line\nbreak"}, "invalid_request"),
        ({"reason": "break at the end\n"}, "invalid_request"),
        ({"reason": "\u0000"}, "invalid_request"),
        ({"reason": 3}, "invalid_request"),
        ({"reason": "r", "refund": True}, "invalid_request"),
        ("{", "malformed_body"),
        ({"reason": "x" * 2000}, "body_too_large"),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
async def test_a_reason_that_is_none_is_refused(api: Api, verb: str, body: Any, code: str) -> None:
    order = await placed(api)

    status, found = refusal(await api.change(order["id"], verb, body))

    assert (status, found) == ({"malformed_body": 400, "body_too_large": 413}.get(code, 422), code)
    assert await events(api) == 0


@pytest.mark.parametrize("reason", ["x", "передумал — «точно»", "é" * 200, "🛫 later"])
async def test_a_reason_is_kept_as_it_was_given(api: Api, reason: str) -> None:
    order = await placed(api)

    assert (await api.change(order["id"], "cancel", {"reason": reason})).json()["reason"] == reason
    history = (await api.get(f"/orders/{order['id']}/workflow", user="ann")).json()["history"]
    assert [(step["to_status"], step["reason"]) for step in history] == [("CREATED", None), ("CANCELLED", reason)]
