"""Any sequence of what can happen to orders, found by Hypothesis: events come late, again, in any order between the
topics; answers are lost, heard twice or too late; customers and deadlines cut in. The end is always the same: see
tests/fakes/airport_verdict.py.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ordersys.domain.orders.errors import IllegalMove
from ordersys.domain.shared.ids import OrderId
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, streams_of
from ordersys.usecase.orders.cancel_orders import CancelOrder
from ordersys.usecase.orders.refund_orders import RefundOrder
from tests.fakes.airport import DEADLINE, Airport
from tests.fakes.airport_verdict import wrong
from tests.fakes.making import CAUSE, place, want

# So few that orders compete for them.
SEATS: Final = 2
LINES: Final = [(consumer, topic) for consumer in sorted(SUBSCRIPTIONS) for topic in sorted(streams_of(consumer))]
PARTS: Final = ["worker", "calls", "answers", *sorted(SUBSCRIPTIONS)]
METHODS: Final = ["pm_ok", "pm_ok", "pm_declined", "pm_flaky", "pm_down"]
SOME: Final = st.integers(0, 7)


class Saga(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.airport = self.run(_airport())
        self.placed = 0

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(what)

    @property
    def orders(self) -> list[OrderId]:
        return list(self.airport.database.orders.orders.rows)

    @initialize(method=st.sampled_from(METHODS))
    def first_order(self, method: str) -> None:
        self.place(method, 1, refused=False)

    @precondition(lambda self: self.placed < 4)
    @rule(method=st.sampled_from(METHODS), seats=st.integers(1, 2), refused=st.booleans())
    def place(self, method: str, seats: int, refused: bool) -> None:
        self.placed += 1
        known = set(self.orders)
        order = replace(place(want(1, seats), want(2), key=str(self.placed)), payment_method=method)
        self.run(self.airport.shop.execute([order]))
        if refused:
            self.airport.airline.refused |= set(self.orders) - known

    @rule(dropped=st.integers(0, 2))
    def publish(self, dropped: int) -> None:
        self.airport.topics.dropped = dropped
        self.run(self.airport.relay.run_once())
        self.airport.clock.advance(0.2)

    @rule(line=st.sampled_from(LINES), count=st.integers(1, 3), again=st.integers(0, 2))
    def deliver(self, line: tuple[str, str], count: int, again: int) -> None:
        consumer, topic = line
        self.airport.trays[consumer].logs[topic].rewind(again)
        self.run(self.airport.deliver(consumer, (topic, count)))

    @rule(consumer=st.sampled_from(sorted(SUBSCRIPTIONS)), turned=st.booleans())
    def deliver_all(self, consumer: str, turned: bool) -> None:
        logs = list(self.airport.trays[consumer].logs.items())
        asked = [(topic, log.lag) for topic, log in (reversed(logs) if turned else logs)]
        self.run(self.airport.deliver(consumer, *asked))

    @rule(rounds=st.integers(1, 6), stalled=st.frozensets(st.sampled_from(PARTS), max_size=2))
    def go_on(self, rounds: int, stalled: frozenset[str]) -> None:
        for _ in range(rounds):
            self.run(self.airport.go_on(stalled))

    @rule(consumer=st.sampled_from(sorted(SUBSCRIPTIONS)))
    def retry(self, consumer: str) -> None:
        self.run(self.airport.retries[consumer].run_once())

    @rule(full=st.booleans(), dies=st.booleans())
    def hand_over(self, full: bool, dies: bool) -> None:
        self.airport.intent_dispatcher.full, self.airport.intent_dispatcher.dies = full, dies

    @rule()
    def call(self) -> None:
        self.run(self.airport.call())

    @precondition(lambda self: self.airport.line.under_way)
    @rule(number=SOME)
    def arrive(self, number: int) -> None:
        self.run(self.airport.arrive(number % len(self.airport.line.under_way)))

    @precondition(lambda self: self.airport.answers)
    @rule(numbers=st.lists(SOME, min_size=1, max_size=3))
    def hear(self, numbers: list[int]) -> None:
        self.run(self.airport.hear(*(number % len(self.airport.answers) for number in numbers)))

    @precondition(lambda self: self.airport.answers)
    @rule(number=SOME)
    def lose_an_answer(self, number: int) -> None:
        del self.airport.answers[number % len(self.airport.answers)]

    @rule(number=SOME)
    def cancel(self, number: int) -> None:
        order = self.orders[number % len(self.orders)]
        command = CancelOrder(order_id=order, customer_id=None, reason="changed my mind", cause=CAUSE)
        self._ask(self.airport.cancel.execute([command]))

    @rule(number=SOME)
    def refund(self, number: int) -> None:
        order = self.orders[number % len(self.orders)]
        command = RefundOrder(order_id=order, customer_id=None, reason="changed my mind", cause=CAUSE)
        self._ask(self.airport.refund.execute([command]))

    @rule(seconds=st.sampled_from([0.1, 7, DEADLINE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.airport.clock.advance(seconds)

    @rule()
    def deadlines(self) -> None:
        self.run(self.airport.expire.run_once())

    def _ask(self, what: Coroutine[Any, Any, None]) -> None:
        try:
            self.run(what)
        except IllegalMove:
            return

    def teardown(self) -> None:
        try:
            self.run(self._end())
            assert wrong(self.airport, SEATS) == []
        finally:
            self.runner.close()

    async def _end(self) -> None:
        await self.airport.rest()
        self.airport.clock.advance(DEADLINE + 1)
        await self.airport.expire.run_once()
        await self.airport.rest()


async def _airport() -> Airport:
    return Airport(seats=SEATS)


Saga.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestSaga = pytest.mark.timeout(120)(Saga.TestCase)
