"""Idempotency-Key on POST /orders: one key, one order, one answer; and never another customer's."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from ordersys.config import CoalescerSettings
from tests.integration.http_api import Api, order_of, refusal, serving
from tests.waiting import eventually

AT_ONCE = 8


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


def replayed(answer: httpx.Response) -> bool:
    return str(answer.headers.get("idempotency-replayed")) == "true"


async def test_the_same_request_again_gets_the_first_answer_again(api: Api) -> None:
    flight = await api.flight()
    first = await api.post(order_of(flight), key="k")

    again = await api.post(order_of(flight), key="k")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (replayed(first), replayed(again)) == (False, True)
    assert (await api.count("orders"), await api.seats_taken(flight)) == (1, 1)


async def test_the_first_answer_comes_again_whatever_became_of_the_order(api: Api) -> None:
    flight = await api.flight()
    first = await api.post(order_of(flight), key="k")
    await api.execute("UPDATE orders SET status = 'COMPLETED', updated_at = now()")

    again = await api.post(order_of(flight), key="k")

    assert again.content == first.content


async def test_a_refusal_comes_again_even_when_the_order_could_be_taken_now(api: Api) -> None:
    flight = await api.flight(seats_total=0)
    first = await api.post(order_of(flight), key="k")
    await api.execute("UPDATE flights SET seats_total = 10")

    again = await api.post(order_of(flight), key="k")

    assert refusal(again) == (409, "sold_out")
    assert again.content == first.content
    assert (replayed(first), replayed(again)) == (False, True)
    assert (await api.post(order_of(flight), key="k2")).status_code == 201


async def test_an_invalid_request_leaves_its_key_free_for_the_corrected_one(api: Api) -> None:
    flight = await api.flight()

    assert refusal(await api.post({"items": []}, key="k")) == (422, "invalid_request")
    assert refusal(await api.post(order_of(uuid4()), key="k")) == (422, "flight_unknown")
    assert (await api.post(order_of(flight), key="k")).status_code == 201


async def test_the_key_of_another_body_is_refused(api: Api) -> None:
    flight = await api.flight()
    first = await api.post(order_of(flight), key="k")

    other = await api.post(order_of(flight, seats=2), key="k")

    assert refusal(other) == (422, "idempotency_key_reused")
    assert not replayed(other)
    assert first.json()["id"] not in other.text
    assert (await api.count("orders"), await api.seats_taken(flight)) == (1, 1)


async def test_white_space_key_order_and_spelled_out_defaults_make_no_other_body(api: Api) -> None:
    flight = await api.flight()
    first = await api.post(order_of(flight), key="k")

    spread = json.dumps(
        {
            "expected_total": None,
            "payment_method": "pm_ok",
            "items": [{"seats": 1, "flight_id": str(flight).upper()}],
        },
        indent=4,
    )
    again = await api.post(spread, key="k")

    assert replayed(again)
    assert again.content == first.content


async def test_the_order_of_the_items_is_meant(api: Api) -> None:
    one, other = await api.flight(), await api.flight()
    await api.post(order_of(one, other), key="k")

    assert refusal(await api.post(order_of(other, one), key="k")) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_its_customer(api: Api) -> None:
    flight = await api.flight()

    hers = await api.post(order_of(flight), key="k", user="ann")
    his = await api.post(order_of(flight), key="k", user="bob")

    assert (hers.status_code, his.status_code) == (201, 201)
    assert not replayed(his)
    assert hers.json()["id"] != his.json()["id"]
    assert hers.json()["id"] not in his.text + str(his.headers)


async def test_customer_and_key_do_not_run_into_each_other(api: Api) -> None:
    flight = await api.flight()

    await api.post(order_of(flight), key="b-k", user="a")
    other = await api.post(order_of(flight), key="k", user="a-b")

    assert (other.status_code, replayed(other)) == (201, False)


async def test_an_expired_key_begins_anew(api: Api) -> None:
    flight = await api.flight()
    first = await api.post(order_of(flight), key="k")
    await api.execute("UPDATE idempotency_keys SET created_at = created_at - interval '24 hours 1 second'")

    anew = await api.post(order_of(flight, seats=2), key="k")
    again = await api.post(order_of(flight, seats=2), key="k")

    assert (anew.status_code, replayed(anew)) == (201, False)
    assert anew.json()["id"] != first.json()["id"]
    assert (again.content, replayed(again)) == (anew.content, True)


async def test_a_key_is_kept_for_24_hours(api: Api) -> None:
    flight = await api.flight()
    await api.post(order_of(flight), key="k")
    await api.execute("UPDATE idempotency_keys SET created_at = created_at - interval '23 hours 59 minutes'")

    assert replayed(await api.post(order_of(flight), key="k"))


async def test_eight_identical_requests_at_once_make_one_order(api: Api) -> None:
    flight = await api.flight()

    answers = await asyncio.gather(*(api.post(order_of(flight), key="k") for _ in range(AT_ONCE)))

    assert_one_order(answers)
    assert (await api.count("orders"), await api.count("outbox"), await api.seats_taken(flight)) == (1, 1, 1)


async def test_two_instances_over_one_database_make_one_order(api: Api, database_url: str) -> None:
    flight = await api.flight()

    async with serving(database_url, coalescer=CoalescerSettings(batch_size=1, batches_in_flight=8)) as other:
        sent = [instance.post(order_of(flight), key="k") for instance in (api, other) for _ in range(AT_ONCE)]
        answers = await asyncio.gather(*sent)

    assert_one_order(answers)
    assert (await api.count("orders"), await api.seats_taken(flight)) == (1, 1)


def assert_one_order(answers: list[httpx.Response]) -> None:
    """One is the first, the others replay it or were told that it is under way."""
    accepted = [answer for answer in answers if answer.status_code == 201]
    others = [refusal(answer) for answer in answers if answer.status_code != 201]

    assert set(others) <= {(409, "idempotency_key_in_use")}
    assert sum(not replayed(answer) for answer in accepted) == 1
    assert len({answer.content for answer in accepted}) == 1


async def test_eight_different_requests_with_one_key_make_one_order(api: Api) -> None:
    flight = await api.flight()

    answers = await asyncio.gather(*(api.post(order_of(flight, seats=n + 1), key="k") for n in range(AT_ONCE)))

    assert [answer.status_code for answer in answers].count(201) == 1
    assert {refusal(answer) for answer in answers if answer.status_code != 201} <= {
        (409, "idempotency_key_in_use"),
        (422, "idempotency_key_reused"),
    }
    assert await api.count("orders") == 1


async def test_while_the_first_is_running_the_second_is_told_so(api: Api) -> None:
    flight = await api.flight()
    # Whoever holds the flight's row keeps the first request running.
    async with api.engine.begin() as holder:
        await holder.execute(text("SELECT 1 FROM flights FOR UPDATE"))
        first = asyncio.create_task(api.post(order_of(flight), key="k"))
        await _waits_for_a_lock(api)

        second = await api.post(order_of(flight), key="k")

    assert refusal(second) == (409, "idempotency_key_in_use")
    assert (await first).status_code == 201


async def _waits_for_a_lock(api: Api) -> None:
    waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    sessions: Callable[[], int | Awaitable[int]] = partial(api.count, waiting)
    await eventually(sessions, what="a session that waits for a lock")


async def test_a_request_that_failed_can_be_sent_again(api: Api) -> None:
    """5xx is never stored: here, the transaction cannot be written."""
    flight = await api.flight()
    await api.execute("ALTER TABLE outbox ADD CONSTRAINT broken CHECK (false)")
    assert refusal(await api.post(order_of(flight), key="k")) == (500, "internal_error")
    await api.execute("ALTER TABLE outbox DROP CONSTRAINT broken")

    again = await api.post(order_of(flight), key="k")

    assert (again.status_code, replayed(again)) == (201, False)
    assert (await api.count("orders"), await api.seats_taken(flight)) == (1, 1)


async def test_the_quoted_and_the_bare_form_are_one_key(api: Api) -> None:
    flight = await api.flight()

    bare = await api.post(order_of(flight), key="8e03978e-40d5")
    quoted = await api.post(order_of(flight), key='"8e03978e-40d5"')

    assert (quoted.content, replayed(quoted)) == (bare.content, True)


GOOD_KEYS = ["x", "k" * 255, '"' + "k" * 255 + '"', "a b,c;d=e", r'"a\"b\\c"']


@pytest.mark.parametrize("key", GOOD_KEYS, ids=lambda key: key[:12])
async def test_these_are_keys(api: Api, key: str) -> None:
    assert (await api.post(order_of(await api.flight()), key=key)).status_code == 201


BAD_KEYS = [b"k" * 256, b'"' + b"k" * 256 + b'"', b"a\x01b", b"a\tb", b"\xd0\xba", b'"open', b'""', b'"a"b"', b"\x7f"]


@pytest.mark.parametrize("key", BAD_KEYS, ids=lambda key: repr(key[:12]))
async def test_these_are_no_keys(api: Api, key: bytes) -> None:
    headers = [(b"Authorization", api.bearer("ann")["Authorization"].encode()), (b"Idempotency-Key", key)]

    answer = await api.client.post("/orders", json=order_of(await api.flight()), headers=headers)

    assert refusal(answer) == (400, "idempotency_key_invalid")
    assert await api.count("orders") == 0


@pytest.mark.parametrize("key", ["", "   "])
async def test_without_a_key_nothing_is_bought(api: Api, key: str) -> None:
    flight = await api.flight()

    assert refusal(await api.post(order_of(flight), key=key)) == (400, "idempotency_key_missing")
    assert await api.seats_taken(flight) == 0
