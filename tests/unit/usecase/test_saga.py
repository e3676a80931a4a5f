"""The whole choreography in memory: records are dropped, redelivered and handled in any order between the topics, and
customers change their minds; every order ends all the same, with its money, seats and tickets in agreement.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from ordersys.domain.orders.errors import IllegalMove
from ordersys.domain.orders.order import Status
from ordersys.domain.orders.placing import SeatRequest
from ordersys.domain.shared.ids import OrderId
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS
from ordersys.usecase.orders.cancel_orders import CancelOrder
from ordersys.usecase.orders.refund_orders import RefundOrder
from tests.fakes.airport import DEADLINE, Airport
from tests.fakes.airport_verdict import wrong
from tests.fakes.making import CAUSE, place, want

METHODS = ("pm_ok", "pm_ok", "pm_ok", "pm_declined", "pm_flaky", "pm_down")
SEATS = 80
ORDERS = 30


class Day:
    """A day at the airport, as the dice fall."""

    def __init__(self, seed: int) -> None:
        self.dice, self.airport = random.Random(seed), Airport(seats=SEATS)
        self.acts: list[Callable[[], Awaitable[None]]] = [
            *[self._publish] * 4,
            *[self._consume] * 8,
            *[self._pay] * 6,
            self._change_of_mind,
        ]

    async def live(self, acts: int = 600) -> None:
        airport = self.airport
        orders = [replace(place(*self._wanted(), key=str(n)), payment_method=self._method()) for n in range(ORDERS)]
        await airport.shop.execute(orders)
        for order in self._orders():
            if self.dice.random() < 0.1:
                airport.airline.refused.add(order)
        for _ in range(acts):
            await self.dice.choice(self.acts)()
            airport.clock.advance(0.05)
        await airport.rest()
        airport.clock.advance(DEADLINE + 1)
        await airport.expire.run_once()
        await airport.rest()

    def _wanted(self) -> list[SeatRequest]:
        return [want(n, self.dice.randint(1, 2)) for n in self.dice.sample([1, 2], self.dice.randint(1, 2))]

    def _method(self) -> str:
        return self.dice.choice(METHODS)

    def _orders(self) -> list[OrderId]:
        return list(self.airport.database.orders.orders.rows)

    async def _publish(self) -> None:
        self.airport.topics.dropped = self.dice.choice([0, 0, 0, 1, 2])
        await self.airport.relay.run_once()

    async def _consume(self) -> None:
        consumer = self.dice.choice(sorted(SUBSCRIPTIONS))
        logs = list(self.airport.trays[consumer].logs.values())
        for log in logs:
            log.rewind(self.dice.choice([0, 0, 0, 0, 3]))
        asked = [(log.topic, self.dice.randint(1, 7)) for log in self.dice.sample(logs, len(logs))]
        await self.airport.deliver(consumer, *asked)

    async def _pay(self) -> None:
        await self.airport.call()
        for _ in range(min(3, len(self.airport.line.under_way))):
            await self.airport.arrive(self.dice.randrange(len(self.airport.line.under_way)))
        if self.airport.answers:
            await self.airport.hear(*self.dice.choices(range(len(self.airport.answers)), k=4))

    async def _change_of_mind(self) -> None:
        order = self.dice.choice(self._orders())
        try:
            if self.dice.random() < 0.5:
                command = CancelOrder(order_id=order, customer_id=None, reason="changed my mind", cause=CAUSE)
                await self.airport.cancel.execute([command])
            else:
                refund = RefundOrder(order_id=order, customer_id=None, reason="changed my mind", cause=CAUSE)
                await self.airport.refund.execute([refund])
        except IllegalMove:
            return


@pytest.mark.parametrize("seed", range(8))
async def test_every_order_ends_with_money_seats_and_tickets_in_agreement(seed: int) -> None:
    day = Day(seed)
    await day.live()

    assert wrong(day.airport, SEATS) == []


async def test_the_day_had_everything() -> None:
    day = Day(1)
    await day.live()
    airport = day.airport

    statuses = {order.status for order in airport.database.orders.orders.rows.values()}
    assert statuses == {Status.COMPLETED, Status.CANCELLED, Status.REFUNDED}
    assert airport.meter.duplicates > 0
    assert airport.meter.reasons
    told = {one.row.type.split(".")[1] for one in airport.database.messaging.archive.values()}
    assert told == {
        "OrderCreated",
        "OrderCancelled",
        "RefundRequested",
        "PaymentAuthorized",
        "PaymentDeclined",
        "PaymentVoided",
        "PaymentRefunded",
        "TicketIssued",
        "TicketRejected",
        "TicketVoided",
    }


async def test_seats_that_are_sold_again_before_their_tickets_are_void_are_given_once_they_are() -> None:
    airport = Airport(seats=1)
    await airport.shop.execute([place(want(1), key="first")])
    (first,) = airport.database.orders.orders.rows
    while not airport.database.tickets.tickets.rows:
        await airport.go_on(stalled=frozenset({"order-service"}))
    await airport.cancel.execute([CancelOrder(order_id=first, customer_id=None, reason="changed my mind", cause=CAUSE)])
    await airport.shop.execute([place(want(1), key="second")])
    for _ in range(10):
        await airport.go_on(stalled=frozenset({"ticket-service"}))

    payments = airport.trays["ticket-service"].logs["payments"]
    await airport.deliver("ticket-service", ("payments", payments.lag))
    assert [attempts for _, attempts in airport.meter.retries] == [1]
    await airport.rest()

    assert wrong(airport, 1) == []
    assert sorted(order.status for order in airport.database.orders.orders.rows.values()) == ["CANCELLED", "COMPLETED"]
