import pytest

from ordersys.domain.orders.errors import IllegalMove
from ordersys.domain.orders.order import Move, Order, Status
from ordersys.domain.shared.errors import Unavailable
from ordersys.usecase.orders.advance_orders import AdvanceOrder, AdvanceOrders
from ordersys.usecase.orders.order_moves import OrderUnknown
from tests.fakes.clock import FakeClock
from tests.fakes.making import event_id, flight_id, item, offer, order, order_id
from tests.fakes.orders import FakeOrderMeter
from tests.fakes.unit_of_work import FakeUnitOfWork


class AdvancedOrders:
    """AdvanceOrders over a database in memory; 5 seconds after the orders were made."""

    def __init__(self, *orders: Order) -> None:
        self.unit_of_work, self.meter = FakeUnitOfWork(), FakeOrderMeter()
        self.tables = self.unit_of_work.database.orders
        self.tables.orders.rows.update({one.id: one for one in orders or [order()]})
        self.tables.flights.rows.update({one.flight_id: one for one in (offer(1, left=7), offer(2, left=7))})
        self._advance = AdvanceOrders(unit_of_work=self.unit_of_work, clock=FakeClock(passed=5), meter=self.meter)

    async def advance(self, *commands: AdvanceOrder) -> None:
        await self._advance.execute(commands)

    def status(self, number: int = 1) -> Status:
        return self.tables.orders.rows[order_id(number)].status

    def steps(self, number: int = 1) -> list[tuple[Status | None, Status]]:
        return [
            (step.before, step.after) for step in self.tables.history.rows.values() if step.order_id == order_id(number)
        ]

    def left(self, number: int = 1) -> int:
        return self.tables.flights.rows[flight_id(number)].seats_left


def move(move: Move, number: int = 1, *, event: int = 1, reason: str | None = None) -> AdvanceOrder:
    return AdvanceOrder(order_id=order_id(number), move=move, event_id=event_id(event), reason=reason)


async def test_an_order_goes_on_step_by_step() -> None:
    orders = AdvancedOrders()

    await orders.advance(move(Move.AUTHORIZE))
    await orders.advance(move(Move.COMPLETE))

    assert orders.status() is Status.COMPLETED
    assert orders.steps() == [
        (Status.CREATED, Status.PAYMENT_AUTHORIZED),
        (Status.PAYMENT_AUTHORIZED, Status.COMPLETED),
    ]


async def test_several_events_of_one_order_in_one_batch_are_folded() -> None:
    orders = AdvancedOrders()

    await orders.advance(move(Move.AUTHORIZE, event=1), move(Move.COMPLETE, event=2))

    assert orders.status() is Status.COMPLETED
    assert [step.event_id for step in orders.tables.history.rows.values()] == [event_id(1), event_id(2)]


async def test_a_ticket_that_overtakes_its_payment_completes_the_order_all_the_same() -> None:
    orders = AdvancedOrders()

    await orders.advance(move(Move.COMPLETE), move(Move.AUTHORIZE))

    assert orders.status() is Status.COMPLETED
    assert [after for _, after in orders.steps()] == [Status.PAYMENT_AUTHORIZED, Status.COMPLETED]


async def test_a_payment_that_comes_a_batch_after_its_ticket_changes_nothing() -> None:
    orders = AdvancedOrders()
    await orders.advance(move(Move.COMPLETE))

    await orders.advance(move(Move.AUTHORIZE))

    assert orders.status() is Status.COMPLETED
    assert len(orders.steps()) == 2


async def test_a_repeated_event_is_a_no_op() -> None:
    orders = AdvancedOrders()

    await orders.advance(move(Move.AUTHORIZE), move(Move.AUTHORIZE))
    await orders.advance(move(Move.AUTHORIZE))

    assert len(orders.steps()) == 1


async def test_a_cancelled_order_gives_every_seat_back() -> None:
    orders = AdvancedOrders(order(1, item(1, 2), item(2, 1)))

    await orders.advance(move(Move.CANCEL, reason="payment_declined: card_declined"))

    assert (orders.left(1), orders.left(2)) == (9, 8)
    assert orders.tables.orders.rows[order_id(1)].reason == "payment_declined: card_declined"


async def test_a_cancellation_asked_for_again_gives_no_seat_back_twice() -> None:
    orders = AdvancedOrders()

    await orders.advance(move(Move.CANCEL), move(Move.CANCEL))
    await orders.advance(move(Move.CANCEL))

    assert orders.left() == 8


async def test_seats_of_several_orders_on_one_flight_come_back_together() -> None:
    orders = AdvancedOrders(order(1), order(2, item(1, 3)), order(3))

    await orders.advance(move(Move.CANCEL, 1), move(Move.CANCEL, 2), move(Move.AUTHORIZE, 3))

    assert orders.left() == 11


async def test_a_completed_order_keeps_its_seats() -> None:
    orders = AdvancedOrders()

    await orders.advance(move(Move.COMPLETE))

    assert orders.left() == 7


async def test_an_illegal_move_stops_the_whole_batch() -> None:
    orders = AdvancedOrders(order(1), order(2, status=Status.COMPLETED))

    with pytest.raises(IllegalMove):
        await orders.advance(move(Move.AUTHORIZE, 1), move(Move.CANCEL, 2))

    assert orders.status(1) is Status.CREATED
    assert orders.steps(1) == []


async def test_an_unknown_order_stops_the_whole_batch() -> None:
    orders = AdvancedOrders()

    with pytest.raises(OrderUnknown, match=str(order_id(9))):
        await orders.advance(move(Move.AUTHORIZE), move(Move.AUTHORIZE, 9))

    assert orders.status() is Status.CREATED


async def test_an_order_is_counted_when_it_ends_with_its_age() -> None:
    orders = AdvancedOrders(order(1), order(2), order(3))

    await orders.advance(move(Move.COMPLETE, 1), move(Move.CANCEL, 2), move(Move.AUTHORIZE, 3))

    assert orders.meter.ended == [("COMPLETED", 5.0), ("CANCELLED", 5.0)]


async def test_an_order_is_not_counted_before_the_commit() -> None:
    orders = AdvancedOrders()
    orders.unit_of_work.failures = [Unavailable("postgres")]

    with pytest.raises(Unavailable):
        await orders.advance(move(Move.COMPLETE))

    assert orders.meter.ended == []
    assert orders.status() is Status.CREATED


async def test_a_refunded_order_gives_every_seat_back() -> None:
    orders = AdvancedOrders(order(1, item(1, 2), status=Status.REFUND_PENDING))

    await orders.advance(move(Move.REFUND), move(Move.REFUND))

    assert (orders.status(), orders.left()) == (Status.REFUNDED, 9)


@pytest.mark.parametrize("late", [Move.AUTHORIZE, Move.COMPLETE, Move.CANCEL, Move.REFUND])
async def test_what_comes_after_a_cancellation_changes_nothing(late: Move) -> None:
    orders = AdvancedOrders()
    await orders.advance(move(Move.CANCEL, reason="changed my mind"))

    await orders.advance(move(late, reason="late"))

    assert (orders.status(), orders.left()) == (Status.CANCELLED, 8)
    assert orders.tables.orders.rows[order_id(1)].reason == "changed my mind"
