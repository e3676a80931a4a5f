from datetime import timedelta

import pytest

from ordersys.domain.orders.events import OrderCreated
from ordersys.domain.orders.order import Status
from ordersys.domain.orders.placing import Limits, Offer
from ordersys.domain.shared.errors import Kind, Unavailable
from ordersys.usecase.orders.place_orders import IN_USE, REUSED, PlaceOrder, PlaceOrders
from ordersys.usecase.orders.ports import OrderPlaced, OrderRefused
from tests.fakes.clock import NOON, FakeClock, FakeIds
from tests.fakes.making import ANNA, BORIS, CAUSE, flight_id, offer, place, rub, want
from tests.fakes.orders import FakeOrderMeter
from tests.fakes.unit_of_work import FakeUnitOfWork

DAY = timedelta(hours=24)


class Shop:
    """PlaceOrders over a database in memory."""

    def __init__(self, *offers: Offer) -> None:
        self.unit_of_work, self.clock, self.meter = FakeUnitOfWork(), FakeClock(), FakeOrderMeter()
        self.database = self.unit_of_work.database
        self.database.orders.flights.rows.update({one.flight_id: one for one in offers or [offer()]})
        self._place = PlaceOrders(
            unit_of_work=self.unit_of_work,
            clock=self.clock,
            ids=FakeIds(),
            meter=self.meter,
            limits=Limits(max_items=3, max_seats=9),
            keys_kept=DAY,
        )

    async def place(self, *commands: PlaceOrder) -> list[OrderPlaced | OrderRefused]:
        return list(await self._place.execute(commands))

    async def codes(self, *commands: PlaceOrder) -> list[str]:
        return [code(result) for result in await self.place(*commands)]

    def left(self, number: int = 1) -> int:
        return self.database.orders.flights.rows[flight_id(number)].seats_left


def code(result: OrderPlaced | OrderRefused) -> str:
    """`placed` or the refusal's code; a replayed one is in brackets."""
    name = "placed" if isinstance(result, OrderPlaced) else result.refusal.code
    return f"({name})" if result.replayed else name


async def test_a_placed_order_holds_its_seats_and_is_answered_whole() -> None:
    shop = Shop(offer(price=1000, left=5))

    (result,) = await shop.place(place(want(seats=2)))

    assert isinstance(result, OrderPlaced)
    assert (result.order.status, result.order.total, result.order.created_at) == ("CREATED", rub(2000), NOON)
    assert shop.left() == 3
    assert shop.meter.count == 1


async def test_order_history_event_and_answer_are_written_together() -> None:
    shop = Shop()

    (result,) = await shop.place(place())

    assert isinstance(result, OrderPlaced)
    (order,) = shop.database.orders.orders.rows.values()
    (step,) = shop.database.orders.history.rows.values()
    (event,) = shop.database.messaging.outbox.rows.values()
    assert (order.id, order.customer_id, order.status) == (result.order.id, ANNA, Status.CREATED)
    assert (step.order_id, step.before, step.after) == (order.id, None, Status.CREATED)
    assert (event.order_id, event.type, event.cause) == (order.id, OrderCreated.TYPE, CAUSE)
    assert len(shop.database.orders.answers.rows) == 1
    assert shop.unit_of_work.begun == 1


async def test_nothing_is_left_behind_when_the_commit_fails() -> None:
    shop = Shop(offer(left=5))
    shop.unit_of_work.failures = [Unavailable("postgres")]

    with pytest.raises(Unavailable):
        await shop.place(place())

    assert shop.left() == 5
    assert not shop.database.orders.orders.rows
    assert not shop.database.orders.answers.rows
    assert not shop.database.messaging.outbox.rows
    assert shop.meter.count == 0


async def test_the_failed_request_can_be_sent_again() -> None:
    shop = Shop()
    shop.unit_of_work.failures = [Unavailable("postgres")]
    with pytest.raises(Unavailable):
        await shop.place(place())

    assert await shop.codes(place()) == ["placed"]


async def test_first_come_first_served_within_a_batch() -> None:
    shop = Shop(offer(left=3))

    codes = await shop.codes(place(want(seats=2), key="a"), place(want(seats=2), key="b"), place(key="c"))

    assert codes == ["placed", "sold_out", "placed"]
    assert shop.left() == 0


async def test_answers_come_in_the_order_of_the_commands() -> None:
    shop = Shop(offer(1, price=1), offer(2, price=2), offer(3, price=3))

    results = await shop.place(*(place(want(n), key=str(n)) for n in (3, 1, 2)))

    assert [r.order.total.amount for r in results if isinstance(r, OrderPlaced)] == [3, 1, 2]


async def test_a_batch_over_several_flights_takes_seats_of_each() -> None:
    shop = Shop(offer(1, left=5), offer(2, left=5))

    await shop.place(place(want(1), want(2, 2), key="a"), place(want(2), key="b"))

    assert (shop.left(1), shop.left(2)) == (4, 2)


async def test_a_refused_order_writes_no_order_and_no_event() -> None:
    shop = Shop(offer(1, left=5), offer(2, left=0))

    assert await shop.codes(place(want(1), want(2))) == ["sold_out"]
    assert shop.left(1) == 5
    assert not shop.database.orders.orders.rows
    assert not shop.database.messaging.outbox.rows


async def test_a_changed_price_is_a_conflict() -> None:
    shop = Shop(offer(price=1000))

    (result,) = await shop.place(place(expected=rub(900)))

    assert isinstance(result, OrderRefused)
    assert (result.refusal.code, result.refusal.kind) == ("price_changed", Kind.CONFLICT)


async def test_limits_are_checked_before_anything_is_held() -> None:
    shop = Shop(offer(left=50))

    assert await shop.codes(place(want(seats=10))) == ["too_many_seats"]
    assert shop.left() == 50


async def test_the_same_request_again_gets_the_same_answer() -> None:
    shop = Shop(offer(left=5))
    (first,) = await shop.place(place())

    (again,) = await shop.place(place())

    assert isinstance(first, OrderPlaced)
    assert again == OrderPlaced(order=first.order, replayed=True)
    assert shop.left() == 4
    assert shop.meter.count == 1


async def test_equal_requests_in_one_batch_make_one_order() -> None:
    shop = Shop(offer(left=9))

    assert await shop.codes(*[place()] * 8) == ["placed", *["(placed)"] * 7]
    assert shop.left() == 8
    assert len(shop.database.orders.orders.rows) == 1


async def test_a_key_with_another_body_is_refused() -> None:
    shop = Shop()
    await shop.place(place(body=b"one"))

    (result,) = await shop.place(place(body=b"two"))

    assert result == OrderRefused(refusal=REUSED)
    assert len(shop.database.orders.orders.rows) == 1


async def test_a_key_with_another_body_is_refused_within_a_batch() -> None:
    assert await Shop().codes(place(body=b"one"), place(body=b"two")) == ["placed", "idempotency_key_reused"]


async def test_the_first_answer_survives_a_misuse_of_its_key() -> None:
    shop = Shop()
    await shop.place(place(body=b"one"))
    await shop.place(place(body=b"two"))

    assert await shop.codes(place(body=b"one")) == ["(placed)"]


async def test_a_key_that_runs_elsewhere_is_in_use() -> None:
    shop = Shop()

    async with shop.unit_of_work.begin() as other:
        await other.placements.prepare({place().idempotency: ()}, since=NOON - DAY)
        (result,) = await shop.place(place())

    assert result == OrderRefused(refusal=IN_USE)
    assert IN_USE.kind is Kind.CONFLICT
    assert await shop.codes(place()) == ["placed"]


async def test_a_key_in_use_fails_alone_in_its_batch() -> None:
    shop = Shop()

    async with shop.unit_of_work.begin() as other:
        await other.placements.prepare({place(key="busy").idempotency: ()}, since=NOON - DAY)
        codes = await shop.codes(place(key="free"), place(key="busy"))

    assert codes == ["placed", "idempotency_key_in_use"]


async def test_one_key_of_two_customers_makes_two_orders() -> None:
    shop = Shop()

    first, second = await shop.place(place(customer=ANNA), place(customer=BORIS))

    assert isinstance(first, OrderPlaced)
    assert isinstance(second, OrderPlaced)
    assert first.order.id != second.order.id


async def test_a_conflict_is_kept_and_replayed_even_when_seats_are_free_again() -> None:
    shop = Shop(offer(left=0))
    assert await shop.codes(place()) == ["sold_out"]
    shop.database.orders.flights.rows[flight_id(1)] = offer(left=9)

    assert await shop.codes(place()) == ["(sold_out)"]
    assert await shop.codes(place(key="k2")) == ["placed"]


async def test_an_invalid_request_leaves_its_key_free_for_the_corrected_one() -> None:
    shop = Shop()

    assert await shop.codes(place(want(9), body=b"wrong")) == ["flight_unknown"]
    assert await shop.codes(place(want(1), body=b"right")) == ["placed"]


async def test_an_invalid_request_leaves_its_key_free_within_a_batch() -> None:
    shop = Shop()

    assert await shop.codes(place(want(9), body=b"wrong"), place(body=b"right")) == ["flight_unknown", "placed"]


async def test_an_answer_is_replayed_until_it_expires() -> None:
    shop = Shop()
    await shop.place(place())

    shop.clock.advance(DAY.total_seconds() - 1)
    assert await shop.codes(place()) == ["(placed)"]

    shop.clock.advance(1)
    shop.database.orders.flights.rows[flight_id(1)] = offer(departs_at=NOON + 3 * DAY)
    assert await shop.codes(place(body=b"new")) == ["placed"]
    assert await shop.codes(place(body=b"new")) == ["(placed)"]
