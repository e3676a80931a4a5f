from datetime import timedelta

import pytest

from ordersys.domain.payments.errors import IllegalPaymentMove
from ordersys.domain.payments.payment import Demand, PaymentStatus
from ordersys.domain.shared.errors import Unavailable
from ordersys.messaging.envelope import Cause
from ordersys.usecase.payments.change_payments import ChangePayment, ChangePayments, PaymentUnknown
from ordersys.usecase.payments.ports import Intent
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.making import CAUSE, charge, order_id
from tests.fakes.payments import FakeDispatcher, PaymentRow
from tests.fakes.unit_of_work import FakeUnitOfWork

P, D = PaymentStatus, Demand


class Till:
    """ChangePayments over a database in memory; a second after noon. `room`: for so many calls."""

    def __init__(self, *, room: int = 0, **payments: PaymentStatus) -> None:
        self.unit_of_work, self.dispatcher = FakeUnitOfWork(), FakeDispatcher(places=room)
        for number, status in payments.items():
            intent = Intent(charge=charge(int(number[1:])), status=status, cause=CAUSE, attempts=3)
            row = PaymentRow(intent=intent, next_at=None, owner="one", until=NOON)
            self.unit_of_work.database.payments.payments.rows[intent.charge.order_id] = row
        self._change = ChangePayments(
            unit_of_work=self.unit_of_work, clock=FakeClock(passed=1), dispatcher=self.dispatcher
        )

    async def change(self, *commands: ChangePayment) -> None:
        await self._change.execute(commands)

    def payment(self, number: int = 1) -> PaymentRow:
        return self.unit_of_work.database.payments.payments.rows[order_id(number)]


def demand(demand: Demand, number: int = 1, *, event: str = "e1", known: bool = True) -> ChangePayment:
    cause = Cause(correlation_id="c", causation_id=event)
    never = None if known else charge(number)
    return ChangePayment(order_id=order_id(number), demand=demand, cause=cause, unless_known=never)


async def test_a_demand_that_needs_the_gateway_is_due_at_once_and_told_to_the_dispatcher() -> None:
    till = Till(o1=P.AUTHORIZED)

    await till.change(demand(D.CAPTURE))

    row = till.payment()
    assert (row.status, row.intent.attempts, row.owner, row.until) == (P.CAPTURING, 0, None, None)
    assert row.next_at == FakeClock(passed=1).now()
    assert row.intent.cause.causation_id == "e1"
    assert till.dispatcher.dispatched == [row.intent]


async def test_as_many_demands_as_there_is_room_for_are_claimed_and_handed_over() -> None:
    till = Till(room=1, o1=P.AUTHORIZED, o2=P.AUTHORIZED)

    await till.change(demand(D.CAPTURE, 1), demand(D.CAPTURE, 2))

    first, second = till.payment(1), till.payment(2)
    assert (first.owner, first.until, first.intent.attempts) == ("payment", NOON + timedelta(seconds=7), 1)
    assert (second.owner, second.until, second.intent.attempts) == (None, None, 0)
    assert till.dispatcher.dispatched == [first.intent, second.intent]


async def test_a_payment_that_needs_no_call_takes_no_room() -> None:
    till = Till(room=1, o1=P.AUTHORIZED)

    await till.change(demand(D.CANCEL, 2, known=False), demand(D.CANCEL, 1))

    assert till.payment(2).intent.attempts == 0
    assert till.dispatcher.dispatched == [till.payment(1).intent]
    assert till.payment(1).intent.attempts == 1


async def test_what_is_asked_for_again_changes_nothing_and_is_told_to_nobody() -> None:
    till = Till(o1=P.CAPTURED, o2=P.VOIDED)
    before = till.payment(1), till.payment(2)

    await till.change(demand(D.CAPTURE, 1), demand(D.CANCEL, 2, known=False), demand(D.REFUND, 2))

    assert (till.payment(1), till.payment(2)) == before
    assert till.dispatcher.dispatched == []


async def test_several_demands_of_one_order_are_folded_and_the_last_that_counted_is_the_cause() -> None:
    till = Till(o1=P.AUTHORIZED)

    await till.change(demand(D.CAPTURE, event="e1"), demand(D.CANCEL, event="e2"), demand(D.REFUND, event="e3"))

    assert till.payment().status is P.REFUNDING
    assert till.payment().intent.cause.causation_id == "e2"


async def test_a_payment_that_is_not_known_yet_is_given_up_for_good() -> None:
    till = Till()

    await till.change(demand(D.CANCEL, known=False), demand(D.CANCEL, known=False))

    assert (till.payment().status, till.payment().next_at) == (P.VOIDED, None)
    assert till.dispatcher.dispatched == []


async def test_a_payment_that_is_being_requested_at_this_moment_is_cancelled_all_the_same() -> None:
    till = Till(o1=P.REQUESTED)

    await till.change(demand(D.CANCEL, known=False))

    assert till.payment().status is P.VOIDING


@pytest.mark.parametrize("what", D)
async def test_tickets_of_an_order_without_a_payment_stop_the_whole_batch(what: Demand) -> None:
    till = Till(o1=P.AUTHORIZED)

    with pytest.raises(PaymentUnknown, match=str(order_id(2))):
        await till.change(demand(D.CAPTURE, 1), demand(what, 2))

    assert till.payment().status is P.AUTHORIZED


async def test_an_illegal_demand_stops_the_whole_batch() -> None:
    till = Till(o1=P.AUTHORIZED, o2=P.REQUESTED)

    with pytest.raises(IllegalPaymentMove):
        await till.change(demand(D.CAPTURE, 1), demand(D.CAPTURE, 2))

    assert till.payment().status is P.AUTHORIZED


async def test_nothing_is_handed_over_that_was_not_committed() -> None:
    till = Till(room=1, o1=P.AUTHORIZED)
    till.unit_of_work.failures = [Unavailable("postgres")]

    with pytest.raises(Unavailable):
        await till.change(demand(D.CANCEL))

    assert till.dispatcher.dispatched == []
