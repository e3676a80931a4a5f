import pytest

from ordersys.domain.shared.errors import Unavailable
from ordersys.messaging.envelope import Cause
from ordersys.usecase.payments.request_payments import RequestPayment, RequestPayments
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.making import CAUSE, charge, order_id
from tests.fakes.payments import FakeDispatcher
from tests.fakes.unit_of_work import FakeUnitOfWork


def request(number: int = 1, *, cause: Cause = CAUSE) -> RequestPayment:
    return RequestPayment(charge=charge(number), cause=cause)


async def test_intents_are_written_due_at_once() -> None:
    unit_of_work, dispatcher = FakeUnitOfWork(), FakeDispatcher()

    await RequestPayments(unit_of_work=unit_of_work, clock=FakeClock(), dispatcher=dispatcher).execute(
        [request(1), request(2)]
    )

    rows = unit_of_work.database.payments.payments.rows
    assert [(row.intent.charge, row.intent.cause, row.next_at) for row in rows.values()] == [
        (charge(1), CAUSE, NOON),
        (charge(2), CAUSE, NOON),
    ]
    assert [row.owner for row in rows.values()] == [None, None]
    assert dispatcher.dispatched == [row.intent for row in rows.values()]


async def test_as_many_as_there_is_room_for_are_claimed_and_handed_over() -> None:
    unit_of_work, dispatcher = FakeUnitOfWork(), FakeDispatcher(places=2)

    await RequestPayments(unit_of_work=unit_of_work, clock=FakeClock(), dispatcher=dispatcher).execute(
        [request(n) for n in (1, 2, 3)]
    )

    rows = list(unit_of_work.database.payments.payments.rows.values())
    lease = dispatcher.lease(NOON)
    assert [(row.owner, row.until) for row in rows] == [(lease.owner, lease.until)] * 2 + [(None, None)]
    assert [intent.attempts for intent in dispatcher.dispatched] == [1, 1, 0]
    assert dispatcher.dispatched == [row.intent for row in rows]


async def test_an_order_that_has_a_payment_keeps_it() -> None:
    unit_of_work = FakeUnitOfWork()
    dispatcher = FakeDispatcher(places=5)
    payments = RequestPayments(unit_of_work=unit_of_work, clock=FakeClock(), dispatcher=dispatcher)
    await payments.execute([request()])

    await payments.execute([request(cause=Cause(correlation_id="again"))])

    assert unit_of_work.database.payments.payments.rows[order_id(1)].intent.cause == CAUSE
    assert [intent.cause for intent in dispatcher.dispatched] == [CAUSE]


async def test_nothing_is_handed_over_that_was_not_committed() -> None:
    unit_of_work, dispatcher = FakeUnitOfWork(failures=[Unavailable("postgres")]), FakeDispatcher(places=5)

    with pytest.raises(Unavailable):
        await RequestPayments(unit_of_work=unit_of_work, clock=FakeClock(), dispatcher=dispatcher).execute([request()])

    assert dispatcher.dispatched == []
