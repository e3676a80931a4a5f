import pytest

from ordersys.domain.shared.errors import Unavailable
from ordersys.messaging.envelope import Cause
from ordersys.usecase.payments.request_payments import RequestPayment, RequestPayments
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.making import CAUSE, charge, order_id
from tests.fakes.work import FakeWork


class Counter:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


def request(number: int = 1, *, cause: Cause = CAUSE) -> RequestPayment:
    return RequestPayment(charge=charge(number), cause=cause)


async def test_intents_are_written_due_at_once() -> None:
    work, wake = FakeWork(), Counter()

    await RequestPayments(work=work, clock=FakeClock(), wake=wake).execute([request(1), request(2)])

    rows = work.database.payments.payments.rows
    assert [(row.intent.charge, row.intent.cause, row.next_at) for row in rows.values()] == [
        (charge(1), CAUSE, NOON),
        (charge(2), CAUSE, NOON),
    ]
    assert wake.calls == 1


async def test_an_order_that_has_a_payment_keeps_it() -> None:
    work = FakeWork()
    payments = RequestPayments(work=work, clock=FakeClock(), wake=Counter())
    await payments.execute([request()])

    await payments.execute([request(cause=Cause(correlation_id="again"))])

    assert work.database.payments.payments.rows[order_id(1)].intent.cause == CAUSE


async def test_the_dispatcher_is_not_woken_for_what_was_not_committed() -> None:
    work, wake = FakeWork(failures=[Unavailable("postgres")]), Counter()

    with pytest.raises(Unavailable):
        await RequestPayments(work=work, clock=FakeClock(), wake=wake).execute([request()])

    assert wake.calls == 0
