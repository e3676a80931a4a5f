"""The demo gateway: how each payment method behaves, on books in memory and in PostgreSQL."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

import pytest

from ordersys.domain.payments.payment import Answer, Authorized, Call, Charge, Declined, Done, Unanswered
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.gateways.simulator import BEHAVIOURS, GatewayCall, GatewayDecision, GatewaySimulator
from tests.contract.world import World
from tests.fakes.making import charge


class Ask(Protocol):
    def __call__(self, charge: Charge, *, patience: float = 20) -> Awaitable[Answer | None]:
        """Asks once; None when nothing was heard within so many seconds."""
        ...


class Counter:
    """The gateway as it stands before one caller; `silent`: no answer reaches that one."""

    def __init__(self, world: World, *, silent: bool = False) -> None:
        self._world = world
        self._gateway = GatewaySimulator(decide=self._book, silent=lambda: silent)

    async def ask(self, question: Call, charge: Charge, patience: float = 20) -> Answer | None:
        asking = {Call.AUTHORIZE: self._gateway.authorize, Call.CAPTURE: self._gateway.capture}
        asked = asyncio.create_task(asking.get(question, self._gateway.release)(charge))
        done, _ = await asyncio.wait({asked}, timeout=patience)
        asked.cancel()
        return asked.result() if done else None

    async def _book(self, call: GatewayCall) -> GatewayDecision:
        (entry,) = await self._world.decisions([call])
        return entry


@pytest.fixture
def ask(world: World) -> Ask:
    async def once(charge: Charge, *, patience: float = 20) -> Answer | None:
        return await Counter(world).ask(Call.AUTHORIZE, charge, patience)

    return once


def authorize(number: int, *, authorizes_at: int = 1) -> GatewayCall:
    return GatewayCall(question=Call.AUTHORIZE, charge=charge(number), authorizes_at=authorizes_at)


async def status(world: World, number: int = 1) -> str:
    """What the books say; asking does not change it, as long as the charge is known."""
    (entry,) = await world.decisions([authorize(number)])
    return entry.status


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
    calls = [authorize(number) for number in (3, 1, 2, 1)]

    first, second = await world.decisions(calls), await world.decisions(calls)

    assert [entry.authorization_id for entry in first] == [entry.authorization_id for entry in second]
    assert [entry.calls for entry in first] == [1, 1, 1, 1]
    assert [entry.calls for entry in second] == [2, 2, 2, 2]
    assert first[1] == first[3]
    assert len({entry.authorization_id for entry in first}) == 3


async def test_batches_at_the_same_moment_count_every_call(world: World) -> None:
    orders = [range(1, 20), range(19, 0, -1)] * 4

    await asyncio.gather(*(world.decisions([authorize(n) for n in order]) for order in orders))

    entries = await world.decisions([authorize(n) for n in range(1, 20)])
    assert {entry.calls for entry in entries} == {9}


@pytest.mark.parametrize("question", Call)
async def test_books_that_are_away_are_no_answer(question: Call) -> None:
    async def away(call: GatewayCall) -> GatewayDecision:
        raise Unavailable("postgres")

    gateway = GatewaySimulator(decide=away, silent=lambda: False)
    asking = {Call.AUTHORIZE: gateway.authorize, Call.CAPTURE: gateway.capture, Call.RELEASE: gateway.release}

    assert await asking[question](charge()) == Unanswered(error="the gateway failed: unavailable")


async def test_what_is_authorized_is_captured_once_however_often_it_is_asked(ask: Ask, world: World) -> None:
    await ask(charge())

    assert [await Counter(world).ask(Call.CAPTURE, charge()) for _ in range(2)] == [Done()] * 2
    assert await status(world) == "CAPTURED"


async def test_what_is_not_authorized_cannot_be_captured(ask: Ask, world: World) -> None:
    await ask(charge(method="pm_declined"))

    assert await Counter(world).ask(Call.CAPTURE, charge()) == Unanswered(error="the charge is DECLINED")
    assert await status(world) == "DECLINED"


@pytest.mark.parametrize(
    ("before", "after"),
    [([], "VOIDED"), ([Call.AUTHORIZE], "VOIDED"), ([Call.AUTHORIZE, Call.CAPTURE], "REFUNDED")],
    ids=["unknown", "authorized", "captured"],
)
async def test_release_gives_back_whatever_is_held_and_for_good(world: World, before: list[Call], after: str) -> None:
    counter = Counter(world)
    for question in before:
        await counter.ask(question, charge())

    assert [await counter.ask(Call.RELEASE, charge()) for _ in range(2)] == [Done()] * 2
    assert await counter.ask(Call.CAPTURE, charge()) == Unanswered(error=f"the charge is {after}")
    assert await status(world) == after


async def test_an_authorization_that_comes_after_the_release_is_refused(ask: Ask, world: World) -> None:
    await Counter(world).ask(Call.RELEASE, charge(method="pm_flaky"))

    assert [await ask(charge(method="pm_flaky")) for _ in range(4)] == [Declined(reason="charge_voided")] * 4


async def test_a_declined_charge_that_is_released_stays_declined(ask: Ask, world: World) -> None:
    await ask(charge(method="pm_declined"))

    assert await Counter(world).ask(Call.RELEASE, charge()) == Done()
    assert await status(world) == "DECLINED"


@pytest.mark.parametrize("question", Call)
async def test_a_silent_gateway_does_what_it_is_asked_and_says_nothing(world: World, question: Call) -> None:
    for earlier in list(Call)[: list(Call).index(question)]:
        await Counter(world).ask(earlier, charge())

    assert await Counter(world, silent=True).ask(question, charge(), patience=0.3) is None

    assert await status(world) == {"authorize": "AUTHORIZED", "capture": "CAPTURED", "release": "REFUNDED"}[question]


async def test_questions_of_all_kinds_at_the_same_moment_never_meet_in_a_circle(world: World) -> None:
    numbers = list(range(1, 21))
    kinds = [GatewayCall(question=kind, charge=charge(n), authorizes_at=1) for n in numbers for kind in Call]

    await asyncio.gather(*(world.decisions(kinds[start:] + kinds[:start]) for start in range(0, 60, 7)))

    assert {await status(world, number) for number in numbers} <= {"REFUNDED", "VOIDED"}
