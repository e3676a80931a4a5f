from collections import Counter

import pytest

from ordersys.domain.orders.order import Order
from ordersys.domain.tickets.seating import SeatMap
from ordersys.messaging.envelope import Cause
from ordersys.usecase.tickets.issue_tickets import IssueTicket, IssueTickets, ItineraryUnknown
from ordersys.usecase.tickets.ports import Ticket
from tests.fakes.airline import ScriptedAirline
from tests.fakes.clock import NOON, FakeClock, FakeIds
from tests.fakes.making import flight_id, item, order, order_id
from tests.fakes.unit_of_work import FakeUnitOfWork


class Airline:
    """IssueTickets over a database in memory."""

    def __init__(self, *orders: Order) -> None:
        self.unit_of_work = FakeUnitOfWork()
        self.unit_of_work.database.orders.orders.rows.update({one.id: one for one in orders})
        self.scripted = ScriptedAirline()
        self._issue = IssueTickets(
            unit_of_work=self.unit_of_work, clock=FakeClock(), ids=FakeIds(), airline=self.scripted
        )

    async def issue(self, *numbers: int) -> None:
        await self._issue.execute([issue(number) for number in numbers])

    def tickets(self, number: int | None = None) -> list[Ticket]:
        issued = self.unit_of_work.database.tickets.tickets.rows.values()
        return [ticket for ticket in issued if number is None or ticket.order_id == order_id(number)]


def issue(number: int) -> IssueTicket:
    return IssueTicket(order_id=order_id(number), cause=Cause(correlation_id=f"request-{number}"))


async def test_every_seat_of_an_order_gets_a_ticket() -> None:
    airline = Airline(order(1, item(1, 2), item(2, 1)))

    await airline.issue(1)

    assert [(t.ordinal, t.flight_id, t.seat_number, t.issued_at) for t in airline.tickets()] == [
        (0, flight_id(1), 1, NOON),
        (1, flight_id(1), 2, NOON),
        (2, flight_id(2), 1, NOON),
    ]


async def test_one_event_tells_of_all_tickets_of_an_order() -> None:
    airline = Airline(order(1, item(1, 2)))

    await airline.issue(1)

    (row,) = airline.unit_of_work.database.messaging.outbox.rows.values()
    assert (row.order_id, row.type, row.cause.correlation_id) == (order_id(1), "ordersys.TicketIssued.v1", "request-1")
    assert '"seat":"1A"' in row.payload
    assert '"seat":"1B"' in row.payload


async def test_a_batch_gives_each_order_its_own_event_and_cause() -> None:
    airline = Airline(order(1), order(2, item(1, 2)), order(3))

    await airline.issue(2, 1, 3)

    rows = airline.unit_of_work.database.messaging.outbox.rows.values()
    assert [(row.order_id, row.cause.correlation_id) for row in rows] == [
        (order_id(number), f"request-{number}") for number in (2, 1, 3)
    ]


async def test_no_seat_and_no_number_is_given_twice() -> None:
    airline = Airline(*(order(n, item(1, 2), item(2, 3)) for n in range(1, 21)))

    await airline.issue(*range(1, 11))
    await airline.issue(*range(11, 21))

    seats = Counter((ticket.flight_id, ticket.seat_number) for ticket in airline.tickets())
    assert len(airline.tickets()) == 100
    assert max(seats.values()) == 1
    assert len({ticket.number for ticket in airline.tickets()}) == 100


async def test_a_released_seat_is_given_again() -> None:
    airline = Airline(order(1, item(1, 2)))
    airline.unit_of_work.database.tickets.maps.rows[flight_id(1)] = SeatMap(
        flight_id=flight_id(1), next_seat=9, released=[4]
    )

    await airline.issue(1)

    assert [ticket.seat_number for ticket in airline.tickets()] == [4, 9]
    assert airline.unit_of_work.database.tickets.maps.rows[flight_id(1)].released == []


async def test_an_order_that_has_its_tickets_gets_no_others() -> None:
    airline = Airline(order(1))
    await airline.issue(1)

    await airline.issue(1)

    assert len(airline.tickets()) == 1
    assert len(airline.unit_of_work.database.messaging.outbox.rows) == 1


async def test_an_unknown_itinerary_stops_the_whole_batch() -> None:
    airline = Airline(order(1))

    with pytest.raises(ItineraryUnknown, match=str(order_id(9))):
        await airline.issue(1, 9)

    assert airline.tickets() == []


async def test_who_is_refused_gets_no_tickets_and_the_others_get_theirs() -> None:
    airline = Airline(order(1), order(2))
    airline.scripted.refused = {order_id(1)}

    await airline.issue(1, 2)

    assert [ticket.order_id for ticket in airline.tickets()] == [order_id(2)]
    rows = airline.unit_of_work.database.messaging.outbox.rows.values()
    assert {row.order_id: row.type for row in rows} == {
        order_id(1): "ordersys.TicketRejected.v1",
        order_id(2): "ordersys.TicketIssued.v1",
    }


async def test_a_refusal_stands_even_if_the_airline_would_not_refuse_again() -> None:
    airline = Airline(order(1))
    airline.scripted.refused = {order_id(1)}
    await airline.issue(1)
    airline.scripted.refused = set()

    await airline.issue(1)

    assert airline.tickets() == []
    assert len(airline.unit_of_work.database.messaging.outbox.rows) == 1
