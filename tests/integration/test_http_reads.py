"""What the API shows: flights, a customer's orders, the workflow of one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ordersys.entrypoint.http.tokens import UserRole
from tests.integration.http_api import DEPARTURE, PRICE, Api, order_of, refusal, serving


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as api:
        yield api


def flight_json(flight: UUID, **changes: Any) -> dict[str, Any]:
    shown = {
        "id": str(flight),
        "airline": "Aurora",
        "number": "AU 6",
        "from": "SVO",
        "to": "LED",
        "departs_at": "2031-05-01T08:30:00Z",
        "arrives_at": "2031-05-01T10:05:00Z",
        "price": {"amount": PRICE, "currency": "RUB"},
        "seats_left": 100,
    }
    return shown | changes


async def test_flights_of_a_day_are_found_by_anybody(api: Api) -> None:
    flight = await api.flight(number="AU 6", seats_taken=3)
    await api.flight(origin="AER")
    await api.flight(departs_at=DEPARTURE + timedelta(days=1))

    answer = await api.search()

    assert (answer.status_code, answer.json()) == (200, {"items": [flight_json(flight, seats_left=97)]})


async def test_a_day_without_flights_is_no_error(api: Api) -> None:
    answer = await api.search()

    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def test_one_flight_is_shown(api: Api) -> None:
    flight = await api.flight(number="AU 6")

    answer = await api.get(f"/flights/{flight}")

    assert (answer.status_code, answer.json()) == (200, flight_json(flight))


NOBODYS = "01936d3e-0000-7000-8000-000000000000"
SEARCHES = [
    ({"from": "svo"}, "airport_invalid"),
    ({"from": "LED"}, "airports_equal"),
    ({"date": "9999-12-31"}, "day_invalid"),
    ({"date": "tomorrow"}, "invalid_request"),
    ({"date": "2031-05-01T10:00:00Z"}, "invalid_request"),
]


@pytest.mark.parametrize(("change", "code"), SEARCHES, ids=str)
async def test_a_search_that_makes_no_sense_is_refused(api: Api, change: dict[str, str], code: str) -> None:
    answer = await api.search(**change)

    assert refusal(answer) == (422, code)


@pytest.mark.parametrize("missing", ["from", "to", "date"])
async def test_what_is_missing_in_a_search_is_named(api: Api, missing: str) -> None:
    answer = await api.search(**{missing: None})

    assert refusal(answer) == (422, "invalid_request")
    assert answer.json()["errors"] == [{"message": "Required.", "key": missing, "source": "query"}]


async def test_what_is_wrong_in_a_search_is_named_as_the_caller_names_it(api: Api) -> None:
    answer = await api.search(date="x")

    assert [flaw["key"] for flaw in answer.json()["errors"]] == ["date"]


@pytest.mark.parametrize(("name", "code"), [(NOBODYS, "flight_not_found"), ("SU6", "not_found")])
async def test_a_flight_that_is_not_there_is_404(api: Api, name: str, code: str) -> None:
    assert refusal(await api.get(f"/flights/{name}")) == (404, code)


async def test_orders_are_listed_newest_first_page_by_page(api: Api) -> None:
    flight = await api.flight()
    placed = [await api.place(flight) for _ in range(5)]

    pages = [(await api.get("/orders", user="ann", limit=2)).json()]
    while cursor := pages[-1]["next_cursor"]:
        pages.append((await api.get("/orders", user="ann", limit=2, cursor=cursor)).json())

    assert [page.keys() for page in pages] == [{"items", "next_cursor"}] * 3
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [order for page in pages for order in page["items"]] == placed[::-1]


async def test_a_page_that_is_just_full_is_the_last(api: Api) -> None:
    flight = await api.flight()
    for _ in range(2):
        await api.place(flight)

    page = (await api.get("/orders", user="ann", limit=2)).json()

    assert (len(page["items"]), page["next_cursor"]) == (2, None)


async def test_an_order_that_comes_between_two_pages_moves_neither(api: Api) -> None:
    flight = await api.flight()
    first, second = await api.place(flight), await api.place(flight)
    page = (await api.get("/orders", user="ann", limit=1)).json()

    await api.place(flight)
    rest = (await api.get("/orders", user="ann", limit=10, cursor=page["next_cursor"])).json()

    assert (page["items"], rest["items"]) == ([second], [first])


async def test_orders_are_listed_by_status(api: Api) -> None:
    flight = await api.flight()
    done, _ = await api.place(flight), await api.place(flight)
    await api.execute("UPDATE orders SET status = 'COMPLETED' WHERE id = :id", id=UUID(done["id"]))

    page = (await api.get("/orders", user="ann", status="COMPLETED")).json()

    assert [order["id"] for order in page["items"]] == [done["id"]]


LISTS = [
    ({"status": "DONE"}, "bad_status"),
    ({"status": ""}, "bad_status"),
    ({"cursor": "2"}, "bad_cursor"),
    ({"cursor": "\x00"}, "bad_cursor"),
    ({"limit": 0}, "invalid_request"),
    ({"limit": 101}, "invalid_request"),
    ({"limit": "many"}, "invalid_request"),
]


@pytest.mark.parametrize(("query", "code"), LISTS, ids=str)
async def test_a_list_that_cannot_be_is_refused(api: Api, query: dict[str, Any], code: str) -> None:
    assert refusal(await api.get("/orders", user="ann", **query)) == (422, code)


@pytest.mark.parametrize("part", ["", "/workflow"])
@pytest.mark.parametrize(("name", "code"), [(NOBODYS, "order_not_found"), ("1", "not_found")])
async def test_an_order_that_is_not_there_is_404(api: Api, part: str, name: str, code: str) -> None:
    assert refusal(await api.get(f"/orders/{name}{part}", user="ann")) == (404, code)


async def test_the_workflow_tells_what_was_done_and_what_is_waited_for(api: Api) -> None:
    order = await api.place(await api.flight())

    answer = await api.get(f"/orders/{order['id']}/workflow", user="ann")

    flow = answer.json()
    assert answer.status_code == 200
    sent = flow["outbox"][0]
    assert flow == {
        "order": order,
        "payment": None,
        "tickets": [],
        "outbox": [
            {
                "id": sent["id"],
                "event_id": sent["event_id"],
                "type": "ordersys.OrderCreated.v1",
                "producer": "order-service",
                "occurred_at": order["created_at"],
                "status": "pending",
                "attempts": 0,
                "correlation_id": sent["correlation_id"],
                "causation_id": "",
                "published_at": None,
                "topic": None,
                "partition": None,
                "offset": None,
                "next_attempt_at": None,
                "last_error": None,
            }
        ],
        "inbox": [],
        "history": [
            {"from_status": None, "to_status": "CREATED", "at": order["created_at"], "reason": None, "event_id": None}
        ],
        "retries": [],
        "dead_letters": [],
        "waiting_for": {
            "kind": "outbox_pending",
            "event": "ordersys.OrderCreated.v1",
            "event_id": sent["event_id"],
            "id": sent["id"],
            "attempts": 0,
            "error": None,
            "until": None,
            "action": None,
        },
    }
    assert UUID(sent["correlation_id"]).version == 7


TEXT = "CheckViolationError: new row for relation seats violates a check: host 10.0.0.7"
FAILURES = (
    """INSERT INTO payments
        (order_id, status, method, amount, currency, attempts, last_error, next_attempt_at, cause, created_at,
            updated_at)
        VALUES (:id, 'REQUESTED', 'pm_ok', 1, 'RUB', 2, :error, now(), '{}', now(), now())""",
    """INSERT INTO outbox_attempts (outbox_id, order_id, attempts, next_attempt_at, last_error)
        SELECT id, aggregateid, 2, now(), :error FROM outbox WHERE aggregateid = :id""",
    """INSERT INTO inbox_retries
        (consumer, event_id, order_id, type, topic, partition, "offset", headers, attempts, next_attempt_at, error,
            created_at)
        SELECT 'payment-service', event_id, aggregateid, type, 't', 0, 0, '{}', 2, now(), :error, now()
        FROM outbox WHERE aggregateid = :id""",
    """INSERT INTO dead_letters
        (id, consumer, event_id, order_id, type, topic, partition, "offset", headers, attempts, error, status,
            created_at)
        SELECT gen_random_uuid(), 'order-service', event_id, aggregateid, type, 't', 0, 0, '{}', 5, :error, 'NEW', now()
        FROM outbox WHERE aggregateid = :id""",
)


@pytest.mark.parametrize(
    ("role", "error", "action"),
    [("customer", "CheckViolationError", None), ("operator", TEXT, "replay_dead_letter")],
)
async def test_customers_see_the_class_of_an_error_and_operators_its_text_and_what_to_do(
    api: Api, role: UserRole, error: str, action: str | None
) -> None:
    order = await api.place(await api.flight())
    await fail_everywhere(api, order["id"])

    flow = (await api.get(f"/orders/{order['id']}/workflow", user="ann", role=role)).json()
    shown = (await api.get(f"/orders/{order['id']}", user="ann", role=role)).json()
    (listed,) = (await api.get("/orders", user="ann", role=role)).json()["items"]

    assert (flow["waiting_for"]["kind"], flow["waiting_for"]["error"]) == ("dead_letter", error)
    assert flow["waiting_for"]["action"] == action
    errors = [
        flow["payment"]["last_error"],
        *(row["last_error"] for row in flow["outbox"]),
        *(one["error"] for one in (*flow["retries"], *flow["dead_letters"])),
        *(one["payment"]["last_error"] for one in (flow["order"], shown, listed)),
    ]
    assert errors == [error] * 7


async def fail_everywhere(api: Api, order_id: str) -> None:
    for statement in FAILURES:
        await api.execute(statement, id=UUID(order_id), error=TEXT)


async def test_a_finished_order_waits_for_nothing(api: Api) -> None:
    order = await api.place(await api.flight())
    await api.execute("UPDATE orders SET status = 'COMPLETED' WHERE id = :id", id=UUID(order["id"]))

    assert (await api.get(f"/orders/{order['id']}/workflow", user="ann")).json()["waiting_for"] is None


async def test_orders_of_a_customer_whom_nobody_knows_are_none(api: Api) -> None:
    answer = await api.get("/orders", user="nobody")

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


async def test_a_customer_may_be_named_in_any_script(api: Api) -> None:
    flight = await api.flight()

    assert (await api.post(order_of(flight), user="Анна Ахматова")).status_code == 201
    assert len((await api.get("/orders", user="Анна Ахматова")).json()["items"]) == 1
