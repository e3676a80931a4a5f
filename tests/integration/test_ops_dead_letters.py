"""Dead letters as operators meet them: over HTTP and on the command line, on a real database."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from ordersys.config import PostgresSettings, Secret, Settings
from ordersys.infrastructure.postgres import engine as postgres
from ordersys.infrastructure.postgres.unit_of_work import PostgresUnitOfWork
from ordersys.messaging.dead_letters import DeadLetter
from tests.fakes.making import delivery, event_id, order_created, order_id
from tests.integration.http_api import Api, refusal, serving
from tests.integration.retry_world import ordersys

LETTER = DeadLetter(
    consumer="order-service",
    event_id=event_id(1),
    order_id=order_id(1),
    type=order_created().TYPE,
    delivery=delivery(1),
    attempts=5,
    error="ValueError: cannot",
)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as made:
        yield made


@pytest.fixture
async def letter(database_url: str) -> str:
    """The id of the only dead letter."""
    engine = postgres.create(PostgresSettings(url=Secret(database_url)), name="test")
    unit_of_work = PostgresUnitOfWork(engine=engine)
    async with unit_of_work.begin() as transaction:
        await transaction.dead_letters.add([LETTER])
        (row,) = await transaction.connection.execute(text("SELECT id FROM dead_letters"))
    await engine.dispose()
    return str(row.id)


async def post(api: Api, dead_letter_id: object, what: str, role: str = "operator") -> httpx.Response:
    headers = api.bearer("olga", "operator" if role == "operator" else "customer")
    return await api.client.post(f"/ops/dlq/{dead_letter_id}/{what}", headers=headers)


async def test_dead_letters_are_for_operators(api: Api, letter: str) -> None:
    assert (await api.get("/ops/dlq")).status_code == 401
    assert refusal(await api.get("/ops/dlq", user="ann")) == (403, "forbidden")
    assert refusal(await api.get(f"/ops/dlq/{letter}", user="ann")) == (403, "forbidden")
    for what in ("replay", "discard"):
        assert refusal(await post(api, letter, what, role="customer")) == (403, "forbidden")
    assert (await _status(api, letter)) == ("NEW", None)


async def test_an_operator_lists_and_reads_them(api: Api, letter: str) -> None:
    page = (await api.get("/ops/dlq", user="olga", role="operator", status="NEW", consumer="order-service")).json()
    shown = (await api.get(f"/ops/dlq/{letter}", user="olga", role="operator")).json()

    assert [one["id"] for one in page["items"]] == [letter]
    assert page["next_cursor"] is None
    assert shown["letter"] == page["items"][0]
    assert json.loads(shown["value"])["order_id"] == str(order_id(1))


async def test_a_plan_tells_what_a_replay_would_meet_and_changes_nothing(api: Api, letter: str) -> None:
    ask: Any = {"user": "olga", "role": "operator"}
    plan = (await api.get(f"/ops/dlq/{letter}/plan", **ask)).json()

    assert plan.pop("letter")["id"] == letter
    assert plan == {
        "handled": False,
        "older_than_inbox": False,
        "order_finished": False,
        "after_later_event": False,
    }
    assert await _status(api, letter) == ("NEW", None)
    assert refusal(await api.get(f"/ops/dlq/{uuid4()}/plan", **ask)) == (404, "letter_not_found")
    assert refusal(await api.get(f"/ops/dlq/{letter}/plan", user="ann")) == (403, "forbidden")


async def test_a_replay_is_accepted_once_and_again(api: Api, letter: str) -> None:
    answers = [await post(api, letter, "replay") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[1].json() == answers[0].json()
    assert await _status(api, letter) == ("REPLAYED", "olga")
    assert await api.count("inbox_retries") == 1
    assert refusal(await post(api, letter, "discard")) == (409, "letter_replayed")


async def test_what_is_discarded_says_by_whom(api: Api, letter: str) -> None:
    assert (await post(api, letter, "discard")).status_code == 200
    assert await _status(api, letter) == ("DISCARDED", "olga")


@pytest.mark.parametrize("what", ["replay", "discard"])
async def test_an_unknown_letter_is_not_found(api: Api, what: str) -> None:
    assert refusal(await post(api, uuid4(), what)) == (404, "letter_not_found")


async def test_wrong_questions_are_refused(api: Api) -> None:
    ask = {"user": "olga", "role": "operator"}
    assert refusal(await api.get("/ops/dlq", **ask, cursor="?")) == (422, "bad_cursor")  # type: ignore[arg-type]
    assert refusal(await api.get("/ops/dlq", **ask, status="OLD")) == (422, "invalid_request")  # type: ignore[arg-type]


async def _status(api: Api, letter: str) -> tuple[str, str | None]:
    shown = (await api.get(f"/ops/dlq/{letter}", user="olga", role="operator")).json()["letter"]
    return shown["status"], shown["resolved_by"]


async def test_the_command_line_lists_shows_plans_and_settles(database_url: str, letter: str) -> None:
    settings = Settings(postgres=PostgresSettings(url=Secret(database_url)))

    async def dlq(*arguments: str) -> tuple[int, str]:
        return await ordersys(settings, "dlq", *arguments)

    code, listed = await dlq("list", "--json")
    assert (code, [one["id"] for one in json.loads(listed)["items"]]) == (0, [letter])
    code, shown = await dlq("show", letter)
    assert code == 0
    assert "ValueError: cannot" in shown
    code, plan = await dlq("replay", "--all", "--plan")
    assert (code, plan.splitlines()[0]) == (0, "Would replay 1.")
    assert (await dlq("replay", letter, "--plan"))[0] == 0
    assert await dlq("discard", letter, "--by", "olga") == (0, f"{letter} discarded\n")
    assert await dlq("replay", letter) == (0, f"{letter} replayed\n")
    assert (await dlq("discard", letter))[0] == 2
    assert (await dlq("show", str(UUID(int=1))))[0] == 2
    assert (await dlq("replay"))[0] == 2


async def test_the_command_line_unparks_an_event(database_url: str) -> None:
    settings = Settings(postgres=PostgresSettings(url=Secret(database_url)))
    async with serving(database_url) as api:
        await api.place(await api.flight())
        await api.execute(
            "INSERT INTO outbox_attempts (outbox_id, order_id, attempts, next_attempt_at, last_error, parked_at) "
            "SELECT id, aggregateid, 3, now(), 'msg_size_too_large', now() FROM outbox"
        )

    code, listed = await ordersys(settings, "outbox", "list", "--json")
    (stuck,) = json.loads(listed)
    assert (code, stuck["attempts"], stuck["error"]) == (0, 3, "msg_size_too_large")
    assert await ordersys(settings, "outbox", "unpark", str(stuck["id"])) == (
        0,
        f"Event {stuck['id']} will be retried.\n",
    )
    assert (await ordersys(settings, "outbox", "unpark", str(stuck["id"])))[0] == 2
