"""What is wrong with an airport at rest: the money rule, the seat rule, and that everything has come to its end."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from ordersys.domain.orders.order import FINAL, PATHS, WITHOUT_SEATS, Order, Status
from ordersys.domain.payments.payment import OUTCOMES, PaymentOutcome, PaymentStatus
from ordersys.domain.shared.ids import OrderId
from tests.fakes.airport import FLIGHTS, Airport
from tests.fakes.making import flight_id

EDGES = {
    edge for (status, _), steps in PATHS.items() for edge in pairwise((status, *steps))
} | {(None, Status.CREATED)}  # fmt: skip
NOT_HELD = {None, "DECLINED", "VOIDED", "REFUNDED"}  # by the gateway


def wrong(airport: Airport, seats: int) -> list[str]:
    """Empty when all is well. `seats` is what each flight began with."""
    orders = airport.database.orders.orders.rows.values()
    return [
        *(flaw for order in orders for flaw in _order(airport, order)),
        *(flaw for number in FLIGHTS for flaw in _flight(airport, number, seats)),
        *_messages(airport),
    ]


def _order(airport: Airport, order: Order) -> Iterator[str]:
    if order.status not in FINAL:
        yield f"{order.id} is {order.status}"
    steps = [one for one in airport.database.orders.history.rows.values() if one.order_id == order.id]
    yield from (f"{order.id} went {s.before} > {s.after}" for s in steps if (s.before, s.after) not in EDGES)
    yield from (f"{order.id} jumped to {b.after}" for a, b in pairwise(steps) if a.after is not b.before)
    if _money_is_wrong(airport, order):
        payment, charge = _payment(airport, order.id), airport.decisions.entries.get(order.id)
        yield f"{order.id} is {order.status}, its payment {payment}, in the books {charge and charge.status}"
    bought = sum(item.seats for item in order.items) if order.status is Status.COMPLETED else 0
    tickets = [one for one in airport.database.tickets.tickets.rows.values() if one.order_id == order.id]
    if len(tickets) != bought:
        yield f"{order.id} is {order.status} and has {len(tickets)} tickets"


def _money_is_wrong(airport: Airport, order: Order) -> bool:
    payment, charge = _payment(airport, order.id), airport.decisions.entries.get(order.id)
    booked = charge.status if charge else None
    if order.status is Status.COMPLETED:
        return (payment, booked) != (PaymentStatus.CAPTURED, "CAPTURED")
    released = payment is not None and OUTCOMES.get(payment) is PaymentOutcome.RELEASED
    return not released or booked not in NOT_HELD


def _payment(airport: Airport, order_id: OrderId) -> PaymentStatus | None:
    row = airport.database.payments.payments.rows.get(order_id)
    return row.status if row else None


def _flight(airport: Airport, number: int, seats: int) -> Iterator[str]:
    flight = flight_id(number)
    live = [one for one in airport.database.orders.orders.rows.values() if one.status not in WITHOUT_SEATS]
    held = sum(item.seats for order in live for item in order.items if item.flight_id == flight)
    left = airport.database.orders.flights.rows[flight].seats_left
    if left != seats - held:
        yield f"flight {number} has {left} seats left of {seats}, live orders hold {held}"
    on_board = [one.seat_number for one in airport.database.tickets.tickets.rows.values() if one.flight_id == flight]
    plan = airport.database.tickets.maps.rows.get(flight)
    given = sorted([*on_board, *(plan.released if plan else [])])
    if given != list(range(1, plan.next_seat if plan else 1)):
        yield f"flight {number}: of the seats given so far {on_board} are taken, {plan}"
    if on_board and max(on_board) > seats:
        yield f"flight {number} has seat {max(on_board)} on board of {seats}"


def _messages(airport: Airport) -> Iterator[str]:
    tables = airport.database.messaging
    if tables.outbox.rows or tables.retries.rows:
        yield f"{len(tables.outbox.rows)} events in the outbox, {len(tables.retries.rows)} to be tried again"
    yield from (f"dead: {one.letter.type}: {one.letter.error}" for one in tables.letters.rows.values())
    yield from (f"a payment failed: {error}" for error in airport.meter.errors)
    sent = Counter((one.row.order_id, one.row.type) for one in tables.archive.values())
    yield from (f"{key} was told {count} times" for key, count in sent.items() if count > 1)
