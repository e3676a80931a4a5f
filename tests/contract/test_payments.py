"""The Payments port: one suite for the fake and for PostgreSQL."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from ordersys.domain.payments.events import PaymentDeclined, PaymentVoided
from ordersys.domain.payments.payment import (
    Answer,
    Authorized,
    Declined,
    Demand,
    Done,
    PaymentStatus,
    Settled,
    Unanswered,
    answered,
)
from ordersys.domain.shared.ids import EventId, OrderId
from ordersys.messaging.envelope import Cause, Outgoing
from ordersys.usecase.orders.views import PaymentView
from ordersys.usecase.payments.change_payments import ChangePayment, ChangePayments
from ordersys.usecase.payments.ports import Change, Intent, Lease, SettledIntent
from ordersys.usecase.payments.settle_payments import RecordPayment, RecordPayments
from tests.contract.world import World, undone
from tests.fakes import placing
from tests.fakes.clock import NOON, FakeClock, FakeIds
from tests.fakes.making import CAUSE, charge, order, order_id, rub
from tests.fakes.payments import FakeDispatcher

LEASE = timedelta(seconds=6)
OURS = Lease(owner="one", until=NOON + LEASE)
YES, NO = Authorized(authorization_id="auth_1"), Declined(reason="card_declined")


async def request(world: World, *numbers: int, at: datetime = NOON, cause: Cause = CAUSE) -> None:
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.request([requested(n, cause=cause) for n in numbers], at=at)


def requested(number: int, *, cause: Cause = CAUSE, lease: Lease | None = None) -> Intent:
    attempts = 1 if lease else 0
    return Intent(charge=charge(number), status=PaymentStatus.REQUESTED, cause=cause, attempts=attempts, lease=lease)


async def claim(world: World, *, at: datetime = NOON, owner: str = "one", limit: int = 100) -> list[OrderId]:
    return [intent.charge.order_id for intent in await intents(world, at=at, owner=owner, limit=limit)]


async def intents(world: World, *, at: datetime = NOON, owner: str = "one", limit: int = 100) -> Sequence[Intent]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.payments.claim(limit, at=at, lease=Lease(owner=owner, until=at + LEASE))


async def settle(world: World, *answers: tuple[Intent, Settled]) -> None:
    settled = [SettledIntent(intent=one, answer=what, becomes=answered(one.status, what)) for one, what in answers]
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.settle(settled, at=NOON)


def late_id(number: int) -> EventId:
    return EventId(UUID(int=number))


def told(intent: Intent, number: int) -> SettledIntent:
    """Declined, with that event."""
    declined = PaymentDeclined(order_id=intent.charge.order_id, reason=NO.reason)
    event = Outgoing(
        event_id=late_id(number), order_id=intent.charge.order_id, occurred_at=NOON, event=declined, cause=CAUSE
    )
    return SettledIntent(intent=intent, answer=NO, becomes=PaymentStatus.DECLINED, event=event)


async def change(
    world: World, becomes: PaymentStatus, *numbers: int, at: datetime = NOON, cause: Cause = CAUSE
) -> None:
    changes = [Change(order_id=order_id(number), becomes=becomes, cause=cause) for number in numbers]
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.change(changes, at=at)


async def statuses(world: World, *numbers: int) -> dict[OrderId, PaymentStatus]:
    async with undone(world.unit_of_work) as transaction:
        return dict(await transaction.payments.lock([order_id(number) for number in numbers]))


async def shown(world: World, number: int = 1) -> PaymentView | None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(number)])
    view = await world.reads.order(order_id(number), None)
    return view.payment if view else None


def ids(*numbers: int) -> list[OrderId]:
    return [order_id(number) for number in numbers]


async def test_a_requested_payment_is_due_at_once_and_comes_back_whole(world: World) -> None:
    await request(world, 1)

    assert await intents(world) == [requested(1, lease=OURS)]


async def test_it_is_not_due_before_it_was_requested(world: World) -> None:
    await request(world, 1, at=NOON + timedelta(seconds=1))

    assert await claim(world) == []


async def test_an_order_keeps_its_first_payment(world: World) -> None:
    await request(world, 1)
    await request(world, 1, 2, cause=Cause(correlation_id="again"))

    found = {intent.charge.order_id: intent.cause.correlation_id for intent in await intents(world)}

    assert found == {order_id(1): CAUSE.correlation_id, order_id(2): "again"}


async def test_a_claim_holds_until_its_lease_ends(world: World) -> None:
    await request(world, 1)
    await claim(world)

    assert await claim(world, at=NOON + LEASE, owner="two") == []
    (again,) = await intents(world, at=NOON + LEASE + timedelta(milliseconds=1), owner="two")
    assert again.attempts == 2


async def test_a_claim_takes_the_longest_due_and_no_more_than_asked_for(world: World) -> None:
    for number, second in [(1, 3), (2, 1), (3, 2)]:
        await request(world, number, at=NOON + timedelta(seconds=second))

    later = NOON + timedelta(seconds=10)
    assert sorted(await claim(world, at=later, limit=2)) == ids(2, 3)
    assert await claim(world, at=later) == ids(1)


async def test_what_is_written_with_an_attempt_is_claimed_until_the_lease_ends(world: World) -> None:
    both = [requested(1, lease=OURS), requested(2)]
    async with world.unit_of_work.begin() as transaction:
        assert await transaction.payments.request(both, at=NOON) == both

    assert await claim(world, owner="two") == ids(2)
    (again,) = await intents(world, at=OURS.until + timedelta(milliseconds=1), owner="two", limit=1)
    assert (again.charge.order_id, again.attempts) == (order_id(1), 2)


async def test_what_was_claimed_as_it_was_written_is_taken_back_after_a_restart(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.request([requested(1, lease=OURS)], at=NOON)
    async with world.unit_of_work.begin() as transaction:
        assert await transaction.payments.reclaim("one", at=NOON) == 1

    assert await claim(world, owner="two") == ids(1)


async def test_only_the_payments_that_were_written_are_answered(world: World) -> None:
    await request(world, 1)
    async with world.unit_of_work.begin() as transaction:
        again = [requested(1, lease=OURS), requested(2, lease=OURS), requested(2, cause=Cause(correlation_id="again"))]
        written = await transaction.payments.request(again, at=NOON)

    assert written == [requested(2, lease=OURS)]
    assert await claim(world, owner="two") == ids(1)


async def test_a_change_with_an_attempt_is_claimed_and_answers_its_call(world: World) -> None:
    await request(world, 1, 2)
    by_order = {intent.charge.order_id: intent for intent in await intents(world)}
    await settle(world, *((by_order[one], YES) for one in ids(1, 2)))
    event = Cause(correlation_id="c", causation_id="tickets")
    later = NOON + timedelta(seconds=3)
    lease = Lease(owner="one", until=later + LEASE)
    capturing = Change(order_id=order_id(1), becomes=PaymentStatus.CAPTURING, cause=event, lease=lease)
    voided = Change(order_id=order_id(2), becomes=PaymentStatus.VOIDED, cause=event)

    async with world.unit_of_work.begin() as transaction:
        calls = await transaction.payments.change([voided, capturing], at=later)

    capture = Intent(charge=charge(1), status=PaymentStatus.CAPTURING, cause=event, attempts=1, lease=lease)
    assert calls == [capture]
    assert await claim(world, at=later + LEASE, owner="two") == []
    (again,) = await intents(world, at=later + LEASE + timedelta(milliseconds=1), owner="two")
    assert again.attempts == 2


async def test_claims_at_the_same_moment_are_disjoint(world: World) -> None:
    await request(world, *range(1, 41))
    together, done = asyncio.Barrier(4), asyncio.Barrier(4)

    async def once(owner: str) -> list[OrderId]:
        async with world.unit_of_work.begin() as transaction:
            await together.wait()
            found = await transaction.payments.claim(10, at=NOON, lease=Lease(owner=owner, until=NOON + LEASE))
            await done.wait()
        return [intent.charge.order_id for intent in found]

    found = [one for batch in await asyncio.gather(*(once(f"payment-{n}") for n in range(4))) for one in batch]

    assert sorted(found) == ids(*range(1, 41))


async def test_only_what_this_name_had_claimed_is_taken_back(world: World) -> None:
    await request(world, 1)
    await claim(world, owner="one")
    await request(world, 2)
    await claim(world, owner="two")

    async with world.unit_of_work.begin() as transaction:
        assert await transaction.payments.reclaim("one", at=NOON) == 1

    assert await claim(world, owner="one") == ids(1)


async def test_a_settled_payment_is_not_due(world: World) -> None:
    await request(world, 1, 2, 3)
    by_order = {intent.charge.order_id: intent for intent in await intents(world)}

    await settle(world, (by_order[order_id(1)], YES), (by_order[order_id(2)], NO))

    assert await statuses(world, 1, 2, 3, 4) == {
        order_id(1): PaymentStatus.AUTHORIZED,
        order_id(2): PaymentStatus.DECLINED,
        order_id(3): PaymentStatus.REQUESTED,
    }
    assert await claim(world, at=NOON + timedelta(days=1)) == ids(3)


async def test_an_authorized_payment_shows_its_reference(world: World) -> None:
    await request(world, 1)
    (intent,) = await intents(world)

    await settle(world, (intent, YES))

    assert await shown(world) == PaymentView(
        status="AUTHORIZED", method="pm_ok", amount=rub(1000), attempts=1, authorization_id="auth_1"
    )


async def test_a_declined_payment_shows_its_reason(world: World) -> None:
    await request(world, 1)
    (intent,) = await intents(world)

    await settle(world, (intent, NO))

    assert await shown(world) == PaymentView(
        status="DECLINED",
        method="pm_ok",
        amount=rub(1000),
        attempts=1,
        outcome="released",
        reason="card_declined",
    )


@pytest.mark.parametrize(
    ("status", "awaiting", "outcome"),
    [
        (PaymentStatus.REQUESTED, "authorize", None),
        (PaymentStatus.AUTHORIZED, None, None),
        (PaymentStatus.DECLINED, None, "released"),
        (PaymentStatus.CAPTURING, "capture", None),
        (PaymentStatus.CAPTURED, None, "captured"),
        (PaymentStatus.VOIDING, "release", None),
        (PaymentStatus.VOIDED, None, "released"),
        (PaymentStatus.REFUNDING, "release", None),
        (PaymentStatus.REFUNDED, None, "released"),
    ],
)
async def test_a_payment_shows_the_call_it_waits_for_and_what_it_came_to(
    world: World, status: PaymentStatus, awaiting: str | None, outcome: str | None
) -> None:
    await request(world, 1)
    await change(world, status, 1)

    payment = await shown(world)

    assert payment
    assert (payment.status, payment.awaiting, payment.outcome) == (status, awaiting, outcome)


async def test_a_postponed_payment_is_due_at_its_time_whatever_the_lease(world: World) -> None:
    await request(world, 1)
    (intent,) = await intents(world)
    due = NOON + timedelta(seconds=1)

    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.postpone([(intent, "no answer", due)])

    assert await claim(world, at=due - timedelta(milliseconds=1)) == []
    assert await claim(world, at=due, owner="two") == ids(1)


async def test_two_recorders_of_one_payment_make_one_result_and_one_event(world: World) -> None:
    await request(world, 1)
    (intent,) = await intents(world)
    recorders = [
        RecordPayments(unit_of_work=unit_of_work, clock=FakeClock(), ids=FakeIds(start), retry_delays=[1.0])
        for start, unit_of_work in [
            (1, world.unit_of_work),
            (100, world.unit_of_work),
            (200, world.autocommit),
            (300, world.autocommit),
        ]
    ]
    answers: list[Answer] = [YES, NO, Unanswered(error="e"), YES]

    await asyncio.gather(
        *(
            one.execute([RecordPayment(intent=intent, answer=answer)])
            for one, answer in zip(recorders, answers, strict=True)
        )
    )

    assert await world.count("outbox") == 1
    assert await statuses(world, 1) in ({order_id(1): PaymentStatus.AUTHORIZED}, {order_id(1): PaymentStatus.DECLINED})
    assert await claim(world, at=NOON + timedelta(days=1)) == []


async def test_only_an_answer_that_is_awaited_is_written_and_told(world: World) -> None:
    await request(world, 1, 2, 3)
    by_order = {intent.charge.order_id: intent for intent in await intents(world)}
    await settle(world, (by_order[order_id(1)], YES))
    await change(world, PaymentStatus.VOIDING, 2)

    async with world.autocommit.begin() as transaction:
        late = [told(by_order[one], number) for number, one in enumerate(ids(3, 1, 2), 1)]
        await transaction.payments.settle(late, at=NOON)

    assert await statuses(world, 1, 2, 3) == {
        order_id(1): PaymentStatus.AUTHORIZED,
        order_id(2): PaymentStatus.VOIDING,
        order_id(3): PaymentStatus.DECLINED,
    }
    rows = await world.queue.due(range(64), 10)
    assert [(row.event_id, row.order_id, row.type) for row in rows] == [(late_id(1), order_id(3), PaymentDeclined.TYPE)]


async def test_of_the_answers_to_two_questions_the_awaited_one_is_written(world: World) -> None:
    await request(world, 1)
    (authorizing,) = await intents(world)
    await change(world, PaymentStatus.VOIDING, 1)
    (voiding,) = await intents(world)
    recording = RecordPayments(unit_of_work=world.autocommit, clock=FakeClock(), ids=FakeIds(), retry_delays=[1.0])

    await recording.execute(
        [RecordPayment(intent=authorizing, answer=YES), RecordPayment(intent=voiding, answer=Done())]
    )

    assert await statuses(world, 1) == {order_id(1): PaymentStatus.VOIDED}
    assert [row.type for row in await world.queue.due(range(64), 10)] == [PaymentVoided.TYPE]


async def test_nobody_postpones_what_does_not_wait_for_it(world: World) -> None:
    await request(world, 1)
    (intent,) = await intents(world)
    await change(world, PaymentStatus.VOIDING, 1)

    async with world.autocommit.begin() as transaction:
        await transaction.payments.postpone([(intent, "no answer", NOON + timedelta(days=1))])

    assert await claim(world) == ids(1)


async def test_recorders_and_changes_that_meet_make_one_result_and_one_event_each(world: World) -> None:
    numbers = list(range(1, 401))
    await request(world, *numbers)
    asked = list(await intents(world, limit=400))
    turned = [asked[start:] + asked[:start] for start in range(0, 400, 70)] + [asked[::-1]] * 2
    together = asyncio.Barrier(len(turned) + 1)

    async def record(commands: Sequence[Intent], start: int, answer: Answer) -> None:
        recording = RecordPayments(
            unit_of_work=world.autocommit, clock=FakeClock(), ids=FakeIds(start), retry_delays=[1.0]
        )
        await together.wait()
        await recording.execute([RecordPayment(intent=intent, answer=answer) for intent in commands])

    async def cancel() -> None:
        demands = [ChangePayment(order_id=one, demand=Demand.CANCEL, cause=CAUSE) for one in ids(*numbers[::-2])]
        await together.wait()
        await ChangePayments(unit_of_work=world.unit_of_work, clock=FakeClock(), dispatcher=FakeDispatcher()).execute(
            demands
        )

    answers: list[Answer] = [YES, Unanswered(error="e")] * 4
    recorders = zip(turned, range(1000, 9000, 1000), answers, strict=True)
    await asyncio.gather(cancel(), *(record(*recorder) for recorder in recorders))

    found = await statuses(world, *numbers)
    told = [row.order_id for row in await world.queue.due(range(64), 400)]
    assert len(told) == len(set(told))
    assert {found[one] for one in ids(*numbers[::-2])} == {PaymentStatus.VOIDING}
    assert {found[one] for one in ids(*numbers[-2::-2])} == {PaymentStatus.AUTHORIZED}
    assert set(told) >= set(ids(*numbers[-2::-2]))


async def test_a_payment_that_is_given_up_before_it_is_known_is_never_due(world: World) -> None:
    given_up = Intent(charge=charge(1), status=PaymentStatus.VOIDED, cause=CAUSE)
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.request([given_up], at=NOON)

    await request(world, 1)

    assert await statuses(world, 1) == {order_id(1): PaymentStatus.VOIDED}
    assert await claim(world, at=NOON + timedelta(days=1)) == []


async def test_a_change_that_needs_a_call_is_due_at_once_with_new_attempts_and_its_own_cause(world: World) -> None:
    await request(world, 1)
    (intent,) = await intents(world)
    await settle(world, (intent, YES))
    event = Cause(correlation_id="c", causation_id="tickets")

    await change(world, PaymentStatus.CAPTURING, 1, at=NOON + timedelta(seconds=3), cause=event)

    assert await claim(world, at=NOON + timedelta(seconds=2)) == []
    later = NOON + timedelta(seconds=3)
    lease = Lease(owner="one", until=later + LEASE)
    capture = Intent(charge=charge(1), status=PaymentStatus.CAPTURING, cause=event, attempts=1, lease=lease)
    assert await intents(world, at=later) == [capture]


async def test_a_change_takes_the_payment_from_whoever_is_asking(world: World) -> None:
    await request(world, 1)
    await claim(world, owner="one")

    await change(world, PaymentStatus.VOIDING, 1)

    assert await claim(world, owner="two") == ids(1)


async def test_a_change_that_needs_no_call_is_not_due(world: World) -> None:
    await request(world, 1)

    await change(world, PaymentStatus.VOIDED, 1)

    assert await claim(world, at=NOON + timedelta(days=1)) == []


async def test_a_captured_payment_keeps_its_reference(world: World) -> None:
    await request(world, 1)
    (authorizing,) = await intents(world)
    await settle(world, (authorizing, YES))
    await change(world, PaymentStatus.CAPTURING, 1)
    (capturing,) = await intents(world)

    await settle(world, (capturing, Done()))

    assert await shown(world) == PaymentView(
        status="CAPTURED",
        method="pm_ok",
        amount=rub(1000),
        attempts=1,
        outcome="captured",
        authorization_id="auth_1",
    )
    assert await claim(world, at=NOON + timedelta(days=1)) == []


async def test_a_locked_payment_is_seen_by_the_next_as_the_first_left_it(world: World) -> None:
    await request(world, 1)
    locked, seen = asyncio.Event(), []

    async def second() -> None:
        await locked.wait()
        async with world.unit_of_work.begin() as transaction:
            seen.append((await transaction.payments.lock([order_id(1)]))[order_id(1)])

    waiting = asyncio.create_task(second())
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.lock([order_id(1)])
        locked.set()
        await asyncio.wait({waiting}, timeout=0.3)
        assert seen == []
        voiding = Change(order_id=order_id(1), becomes=PaymentStatus.VOIDING, cause=CAUSE)
        await transaction.payments.change([voiding], at=NOON)
    await waiting

    assert seen == [PaymentStatus.VOIDING]
