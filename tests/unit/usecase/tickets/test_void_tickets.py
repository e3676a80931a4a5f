from collections.abc import Sequence

from ordersys.domain.orders.order import Order
from ordersys.messaging.envelope import Cause
from ordersys.usecase.tickets.issue_tickets import IssueTicket, IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTicket, VoidTickets
from tests.fakes.airline import ScriptedAirline
from tests.fakes.clock import FakeClock, FakeIds
from tests.fakes.making import flight_id, item, order, order_id
from tests.fakes.unit_of_work import FakeUnitOfWork

ISSUED, VOIDED = "ordersys.TicketIssued.v1", "ordersys.TicketVoided.v1"


class Counter:
    """IssueTickets and VoidTickets over a database in memory."""

    def __init__(self, *orders: Order) -> None:
        self.unit_of_work, self.airline, self.ids = FakeUnitOfWork(), ScriptedAirline(), FakeIds()
        self.unit_of_work.database.orders.orders.rows.update({one.id: one for one in orders})

    async def issue(self, *numbers: int) -> None:
        issuing = IssueTickets(unit_of_work=self.unit_of_work, clock=FakeClock(), ids=self.ids, airline=self.airline)
        await issuing.execute([IssueTicket(order_id=order_id(n), cause=Cause(correlation_id="")) for n in numbers])

    async def void(self, *numbers: int) -> None:
        voiding = VoidTickets(unit_of_work=self.unit_of_work, clock=FakeClock(), ids=self.ids)
        causes = {n: Cause(correlation_id=f"request-{n}") for n in numbers}
        await voiding.execute([VoidTicket(order_id=order_id(n), cause=causes[n]) for n in numbers])

    def valid(self) -> int:
        return len(self.unit_of_work.database.tickets.tickets.rows)

    def told(self) -> Sequence[str]:
        return [row.type for row in self.unit_of_work.database.messaging.outbox.rows.values()]


async def test_all_tickets_of_an_order_are_voided_and_told_with_their_numbers() -> None:
    counter = Counter(order(1, item(1, 2)))
    await counter.issue(1)

    await counter.void(1)

    assert counter.valid() == 0
    row = list(counter.unit_of_work.database.messaging.outbox.rows.values())[-1]
    assert (row.type, row.cause.correlation_id) == (VOIDED, "request-1")
    assert '"numbers":["9990000000001","9990000000002"]' in row.payload


async def test_seats_of_voided_tickets_are_given_again() -> None:
    counter = Counter(order(1, item(1, 2), item(2, 1)), order(2, item(1, 1)), order(3, item(1, 3)))
    await counter.issue(1, 2)

    await counter.void(1)
    await counter.issue(3)

    seats = [ticket.seat_number for ticket in counter.unit_of_work.database.tickets.tickets.rows.values()]
    assert sorted(seats) == [1, 2, 3, 4]
    assert counter.unit_of_work.database.tickets.maps.rows[flight_id(2)].released == [1]


async def test_tickets_are_voided_once() -> None:
    counter = Counter(order(1))
    await counter.issue(1)

    await counter.void(1, 1)
    await counter.void(1)

    assert counter.told() == [ISSUED, VOIDED]
    assert counter.unit_of_work.database.tickets.maps.rows[flight_id(1)].released == [1]


async def test_an_order_that_is_voided_first_never_gets_tickets() -> None:
    counter = Counter(order(1))

    await counter.void(1)
    await counter.issue(1)

    assert counter.valid() == 0
    assert counter.told() == []


async def test_an_order_that_was_refused_has_nothing_to_void() -> None:
    counter = Counter(order(1))
    counter.airline.refused = {order_id(1)}
    await counter.issue(1)

    await counter.void(1)

    assert counter.told() == ["ordersys.TicketRejected.v1"]


async def test_each_order_of_a_batch_is_told_on_its_own() -> None:
    counter = Counter(order(1), order(2), order(3))
    await counter.issue(1, 2)

    await counter.void(1, 2, 3)

    assert counter.told() == [ISSUED, ISSUED, VOIDED, VOIDED]
