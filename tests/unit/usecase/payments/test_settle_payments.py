from collections.abc import Sequence
from datetime import timedelta

import pytest

from ordersys.domain.payments.errors import IllegalPaymentMove
from ordersys.domain.payments.payment import Answer, Authorized, Declined, Demand, Done, PaymentStatus, Unanswered
from ordersys.usecase.payments.change_payments import ChangePayment, ChangePayments
from ordersys.usecase.payments.ports import Intent
from ordersys.usecase.payments.request_payments import RequestPayment, RequestPayments
from ordersys.usecase.payments.settle_payments import ClaimPayments, RecordPayment, RecordPayments
from tests.fakes.clock import NOON, FakeClock, FakeIds
from tests.fakes.making import CAUSE, charge, order_id
from tests.fakes.payments import FakeDispatcher, PaymentRow
from tests.fakes.unit_of_work import FakeUnitOfWork

YES = Authorized(authorization_id="auth_1")
NO = Declined(reason="card_declined")
SILENCE = Unanswered(error="no answer")
DELAYS = (0.2, 0.5, 1.0)
LEASE = 6


class Till:
    """The payment use cases over a database in memory."""

    def __init__(self) -> None:
        self.unit_of_work, self.clock = FakeUnitOfWork(), FakeClock()
        self._record = RecordPayments(
            unit_of_work=self.unit_of_work, clock=self.clock, ids=FakeIds(), retry_delays=DELAYS
        )

    async def request(self, *numbers: int) -> None:
        requested = [RequestPayment(charge=charge(number), cause=CAUSE) for number in numbers]
        await RequestPayments(unit_of_work=self.unit_of_work, clock=self.clock, dispatcher=FakeDispatcher()).execute(
            requested
        )

    def claiming(self, owner: str = "payment") -> ClaimPayments:
        return ClaimPayments(unit_of_work=self.unit_of_work, clock=self.clock, owner=owner, lease_seconds=LEASE)

    async def claim(self, owner: str = "payment") -> Sequence[Intent]:
        return await self.claiming(owner).execute(100)

    async def demand(self, demand: Demand, number: int = 1) -> Intent:
        """What is to be asked of the gateway now."""
        change = ChangePayment(order_id=order_id(number), demand=demand, cause=CAUSE)
        await ChangePayments(unit_of_work=self.unit_of_work, clock=self.clock, dispatcher=FakeDispatcher()).execute(
            [change]
        )
        (intent,) = await self.claim()
        return intent

    async def record(self, *answers: tuple[Intent, Answer]) -> None:
        await self._record.execute([RecordPayment(intent=intent, answer=answer) for intent, answer in answers])

    async def claimed(self, number: int = 1) -> Intent:
        await self.request(number)
        (intent,) = await self.claim()
        return intent

    def payment(self, number: int = 1) -> PaymentRow:
        return self.unit_of_work.database.payments.payments.rows[order_id(number)]

    def events(self) -> list[str]:
        return [row.type.split(".")[1] for row in self.unit_of_work.database.messaging.outbox.rows.values()]


async def test_a_claimed_intent_is_nobody_elses_until_its_lease_ends() -> None:
    till = Till()
    await till.request(1)

    assert [intent.attempts for intent in await till.claim("one")] == [1]
    till.clock.advance(LEASE)
    assert await till.claim("two") == []
    till.clock.advance(0.001)
    assert [intent.attempts for intent in await till.claim("two")] == [2]


async def test_after_a_restart_its_own_claims_are_due_at_once() -> None:
    till = Till()
    await till.request(1)
    await till.claim("one")

    assert await till.claiming("two").reclaim() == 0
    assert await till.claiming("one").reclaim() == 1
    assert len(await till.claim("one")) == 1


async def test_an_authorized_payment_is_settled_and_told() -> None:
    till = Till()

    await till.record((await till.claimed(), YES))

    assert (till.payment().status, till.payment().authorization_id) == (PaymentStatus.AUTHORIZED, "auth_1")
    (row,) = till.unit_of_work.database.messaging.outbox.rows.values()
    assert (row.type, row.order_id, row.cause) == ("ordersys.PaymentAuthorized.v1", order_id(1), CAUSE)
    assert '"authorization_id":"auth_1"' in row.payload


async def test_a_declined_payment_is_settled_and_told_with_its_reason() -> None:
    till = Till()

    await till.record((await till.claimed(), NO))

    assert till.payment().status is PaymentStatus.DECLINED
    assert till.events() == ["PaymentDeclined"]
    assert '"card_declined"' in next(iter(till.unit_of_work.database.messaging.outbox.rows.values())).payload


async def test_a_settled_payment_is_never_due_again() -> None:
    till = Till()
    await till.record((await till.claimed(), YES))

    till.clock.advance(1000)

    assert await till.claim() == []


@pytest.mark.parametrize("late", [YES, NO, SILENCE])
async def test_a_late_second_answer_changes_nothing(late: Answer) -> None:
    till = Till()
    intent = await till.claimed()
    await till.record((intent, YES))
    settled = till.payment()

    await till.record((intent, late))

    assert till.payment() == settled
    assert till.events() == ["PaymentAuthorized"]


@pytest.mark.parametrize("answers", [(YES, YES), (YES, NO), (YES, SILENCE), (SILENCE, YES)])
async def test_two_answers_in_one_batch_make_one_result_and_one_event(answers: tuple[Answer, Answer]) -> None:
    till = Till()
    intent = await till.claimed()

    await till.record((intent, answers[0]), (intent, answers[1]))

    assert (till.payment().status, till.payment().next_at) == (PaymentStatus.AUTHORIZED, None)
    assert till.events() == ["PaymentAuthorized"]


async def test_no_answer_is_asked_again_after_growing_delays() -> None:
    till = Till()
    await till.request(1)
    waits: list[float] = []

    for _ in range(5):
        (intent,) = await till.claim()
        await till.record((intent, SILENCE))
        due = till.payment().next_at
        assert due
        waits.append((due - till.clock.now()).total_seconds())
        assert await till.claim() == []
        till.clock.advance(waits[-1])

    assert waits == [0.2, 0.5, 1.0, 1.0, 1.0]
    assert till.payment().error == "no answer"
    assert till.events() == []


async def test_each_order_of_a_batch_gets_its_own_answer() -> None:
    till = Till()
    await till.request(1, 2, 3)
    one, two, three = await till.claim()

    await till.record((one, YES), (two, SILENCE), (three, NO))

    assert [till.payment(number).status.name for number in (1, 2, 3)] == ["AUTHORIZED", "REQUESTED", "DECLINED"]
    assert till.payment(2).next_at == NOON + timedelta(seconds=DELAYS[0])
    assert till.events() == ["PaymentAuthorized", "PaymentDeclined"]


async def authorized(till: Till) -> None:
    await till.record((await till.claimed(), YES))


async def test_a_capture_is_told_to_nobody() -> None:
    till = Till()
    await authorized(till)

    await till.record((await till.demand(Demand.CAPTURE), Done()))

    assert (till.payment().status, till.payment().authorization_id) == (PaymentStatus.CAPTURED, "auth_1")
    assert till.events() == ["PaymentAuthorized"]


async def test_money_given_up_is_told() -> None:
    till = Till()
    await authorized(till)

    await till.record((await till.demand(Demand.CANCEL), Done()))

    assert till.payment().status is PaymentStatus.VOIDED
    assert till.events() == ["PaymentAuthorized", "PaymentVoided"]


async def test_money_given_back_is_told_with_its_amount() -> None:
    till = Till()
    await authorized(till)
    await till.record((await till.demand(Demand.CAPTURE), Done()))

    await till.record((await till.demand(Demand.REFUND), Done()))

    assert till.payment().status is PaymentStatus.REFUNDED
    assert till.events() == ["PaymentAuthorized", "PaymentRefunded"]
    assert '"amount":{"amount":1000,' in list(till.unit_of_work.database.messaging.outbox.rows.values())[-1].payload


@pytest.mark.parametrize("late", [YES, NO, SILENCE])
async def test_an_answer_that_comes_after_the_order_was_cancelled_changes_nothing(late: Answer) -> None:
    till = Till()
    intent = await till.claimed()
    voiding = await till.demand(Demand.CANCEL)
    before = till.payment()

    await till.record((intent, late))

    assert till.payment() == before
    assert till.events() == []
    await till.record((voiding, Done()))
    assert till.events() == ["PaymentVoided"]


async def test_a_new_question_is_asked_from_the_first_delay_on() -> None:
    till = Till()
    for _ in range(3):
        await till.record((await till.claimed(), SILENCE))
        till.clock.advance(DELAYS[-1])

    await till.record((await till.demand(Demand.CANCEL), SILENCE))

    assert till.payment().next_at == till.clock.now() + timedelta(seconds=DELAYS[0])


async def test_an_answer_to_another_question_stops_the_whole_batch() -> None:
    till = Till()

    with pytest.raises(IllegalPaymentMove):
        await till.record((await till.claimed(), Done()))

    assert till.payment().status is PaymentStatus.REQUESTED
