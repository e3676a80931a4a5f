"""The demo gateway: how each payment method behaves, on books in memory and in PostgreSQL."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

import pytest

from ordersys.domain.payments.payment import Answer, Authorized, Charge, Declined, Unanswered
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.gateways.simulator import BEHAVIOURS, Call, Entry, GatewaySimulator
from tests.contract.world import World
from tests.fakes.making import charge


class Ask(Protocol):
    def __call__(self, charge: Charge, *, patience: float = 20) -> Awaitable[Answer | None]:
        """Asks once; None when nothing was heard within so many seconds."""
        ...


@pytest.fixture
def ask(world: World) -> Ask:
    async def book(call: Call) -> Entry:
        (entry,) = await world.books([call])
        return entry

    async def once(charge: Charge, *, patience: float = 20) -> Answer | None:
        asked = asyncio.create_task(GatewaySimulator(books=book).authorize(charge))
        done, _ = await asyncio.wait({asked}, timeout=patience)
        asked.cancel()
        return asked.result() if done else None

    return once


async def test_ok_is_authorized_and_stays_so(ask: Ask) -> None:
    first = await ask(charge())

    assert isinstance(first, Authorized)
    assert [await ask(charge()) for _ in range(3)] == [first] * 3


async def test_two_orders_are_two_authorizations(ask: Ask) -> None:
    first, second = await ask(charge(1)), await ask(charge(2))

    assert isinstance(first, Authorized)
    assert isinstance(second, Authorized)
    assert first != second


async def test_declined_is_declined_and_stays_so(ask: Ask) -> None:
    assert [await ask(charge(method="pm_declined")) for _ in range(2)] == [Declined(reason="card_declined")] * 2


async def test_flaky_fails_twice_and_then_pays_once(ask: Ask, world: World) -> None:
    answers = [await ask(charge(method="pm_flaky")) for _ in range(5)]

    assert answers[:2] == [Unanswered(error="the gateway answered 503")] * 2
    assert isinstance(answers[2], Authorized)
    assert answers[2:] == [answers[2]] * 3
    assert await world.count("gateway_charges") == 1


async def test_a_lost_answer_is_heard_the_second_time_and_paid_once(ask: Ask, world: World) -> None:
    lost = await ask(charge(method="pm_lost_answer"), patience=0.5)
    heard = [await ask(charge(method="pm_lost_answer")) for _ in range(2)]

    assert lost is None
    assert isinstance(heard[0], Authorized)
    assert heard[0] == heard[1]
    assert await world.count("gateway_charges") == 1


async def test_down_never_answers_and_never_charges(ask: Ask, world: World) -> None:
    answers = [await ask(charge(method="pm_down")) for _ in range(3)]

    assert answers == [Unanswered(error="the gateway refused the connection")] * 3
    assert await world.count("gateway_charges") == 0


async def test_slow_takes_two_seconds(ask: Ask) -> None:
    assert BEHAVIOURS["pm_slow"].seconds == 2.0
    assert await ask(charge(method="pm_slow"), patience=0.2) is None


async def test_slow_is_authorized_in_the_end(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(BEHAVIOURS, dict)
    monkeypatch.setitem(BEHAVIOURS, "pm_slow", replace(BEHAVIOURS["pm_slow"], seconds=0.01))

    assert isinstance(await ask(charge(method="pm_slow")), Authorized)


async def test_a_method_that_there_is_not_is_declined(ask: Ask, world: World) -> None:
    assert await ask(charge(method="pm_other")) == Declined(reason="unknown_payment_method")
    assert await world.count("gateway_charges") == 0


async def test_calls_for_one_key_at_the_same_moment_are_one_authorization(ask: Ask, world: World) -> None:
    answers = await asyncio.gather(*(ask(charge()) for _ in range(8)))

    assert isinstance(answers[0], Authorized)
    assert set(answers) == {answers[0]}
    assert await world.count("gateway_charges") == 1


async def test_a_batch_is_answered_call_by_call(world: World) -> None:
    calls = [Call(charge=charge(number), authorizes_at=1) for number in (3, 1, 2, 1)]

    first, second = await world.books(calls), await world.books(calls)

    assert [entry.authorization_id for entry in first] == [entry.authorization_id for entry in second]
    assert [entry.calls for entry in first] == [1, 1, 1, 1]
    assert [entry.calls for entry in second] == [2, 2, 2, 2]
    assert first[1] == first[3]
    assert len({entry.authorization_id for entry in first}) == 3


async def test_batches_at_the_same_moment_count_every_call(world: World) -> None:
    orders = [range(1, 20), range(19, 0, -1)] * 4

    await asyncio.gather(*(world.books([Call(charge=charge(n), authorizes_at=1) for n in order]) for order in orders))

    entries = await world.books([Call(charge=charge(n), authorizes_at=1) for n in range(1, 20)])
    assert {entry.calls for entry in entries} == {9}


async def test_books_that_are_away_are_no_answer() -> None:
    async def away(call: Call) -> Entry:
        raise Unavailable("postgres")

    assert await GatewaySimulator(books=away).authorize(charge()) == Unanswered(error="the gateway failed: unavailable")
