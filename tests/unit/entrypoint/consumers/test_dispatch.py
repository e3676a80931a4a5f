from collections.abc import Sequence
from typing import Any

import pytest

from ordersys.domain.orders.events import OrderCreated
from ordersys.domain.payments.events import PaymentAuthorized, PaymentDeclined
from ordersys.domain.shared.event import Event
from ordersys.domain.tickets.events import TicketIssued
from ordersys.entrypoint.consumers.dispatch import Dispatch, decode
from ordersys.entrypoint.consumers.subscriptions import Subscription, UseCase
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.messaging.inbox import Unreadable
from ordersys.messaging.unit_of_work import JoinedUnitOfWork
from tests.fakes.making import message, order_created, order_id, rub

AUTHORIZED = PaymentAuthorized(order_id=order_id(1), amount=rub(1), authorization_id="a")
DECLINED = PaymentDeclined(order_id=order_id(1), reason="r")
ISSUED = TicketIssued(order_id=order_id(1), tickets=())


class Pay:
    async def execute(self, commands: Sequence[Any]) -> None: ...


class Fly:
    async def execute(self, commands: Sequence[Any]) -> None: ...


TABLE = (
    Subscription(PaymentAuthorized, Pay, lambda _, message: message.delivery.offset),
    Subscription(PaymentDeclined, Pay, lambda _, message: message.delivery.offset),
    Subscription(TicketIssued, Fly, lambda _, message: message.delivery.offset),
)


class Handlers:
    """Use cases that write down their calls: name, commands."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Any]]] = []
        self.transactions: list[object] = []
        factories: dict[type[UseCase], Any] = {kind: self._maker(kind.__name__.lower()) for kind in (Pay, Fly)}
        self.dispatch: Dispatch[object] = Dispatch(subscriptions=TABLE, use_cases=factories)

    def _maker(self, name: str) -> Any:
        handlers = self

        class Named:
            def __init__(self, joined: JoinedUnitOfWork[object]) -> None:
                handlers.transactions.append(joined.transaction)

            async def execute(self, commands: Sequence[Any]) -> None:
                handlers.calls.append((name, list(commands)))

        return Named

    async def __call__(self, *messages: tuple[int, Event, int]) -> list[tuple[str, list[Any]]]:
        """(number, event, order)"""
        await self.dispatch(self, [message(number, event=event, order=order) for number, event, order in messages])
        return self.calls


async def test_all_events_of_one_use_case_are_one_call() -> None:
    calls = await Handlers()((1, AUTHORIZED, 1), (2, DECLINED, 2), (3, AUTHORIZED, 1))

    assert calls == [("pay", [1, 2, 3])]


async def test_different_use_cases_are_called_once_each() -> None:
    calls = await Handlers()((1, AUTHORIZED, 1), (2, ISSUED, 2), (3, AUTHORIZED, 3), (4, ISSUED, 4))

    assert sorted(calls) == [("fly", [2, 4]), ("pay", [1, 3])]


async def test_the_events_of_one_order_keep_their_order_over_several_use_cases() -> None:
    calls = await Handlers()((1, ISSUED, 1), (2, AUTHORIZED, 1), (3, ISSUED, 1), (4, DECLINED, 1))

    assert calls == [("fly", [1]), ("pay", [2]), ("fly", [3]), ("pay", [4])]


async def test_orders_share_their_waves() -> None:
    calls = await Handlers()(
        (1, ISSUED, 1), (2, AUTHORIZED, 1), (3, ISSUED, 2), (4, AUTHORIZED, 3), (5, AUTHORIZED, 2), (6, ISSUED, 3)
    )

    assert len(calls) == 4
    order_of = [number for _, commands in calls for number in commands]
    assert order_of.index(1) < order_of.index(2)
    assert order_of.index(3) < order_of.index(5)
    assert order_of.index(4) < order_of.index(6)


async def test_use_cases_take_part_in_the_transaction_of_the_batch() -> None:
    handlers = Handlers()

    await handlers((1, AUTHORIZED, 1), (2, ISSUED, 1))

    assert handlers.transactions == [handlers, handlers]


async def test_a_failing_use_case_fails_the_batch() -> None:
    class Broken:
        async def execute(self, commands: Sequence[Any]) -> None:
            raise ValueError("cannot")

    def broken(joined: JoinedUnitOfWork[None]) -> UseCase:
        return Broken()

    dispatch = Dispatch(subscriptions=TABLE, use_cases={Pay: broken})

    with pytest.raises(ValueError, match="cannot"):
        await dispatch(None, [message(1, event=AUTHORIZED)])


@pytest.mark.parametrize("event", [order_created(), AUTHORIZED, DECLINED, ISSUED])
def test_what_was_encoded_is_decoded(event: Event) -> None:
    assert decode(event.TYPE, to_json(event).encode()) == event


def test_fields_of_later_versions_are_passed_over() -> None:
    payload = to_json(DECLINED).replace("{", '{"more":[1],', 1)

    assert decode(PaymentDeclined.TYPE, payload.encode()) == DECLINED


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"null", b"[]", b"{}", b'{"order_id": 3}', b'{"x":"\\ud800"}', b'{"x":' + b"[" * 200_000],
    ids=["empty", "bytes", "null", "list", "fields", "type", "surrogate", "depth"],
)
def test_bytes_that_are_no_event_are_unreadable(payload: bytes) -> None:
    with pytest.raises(Unreadable, match=OrderCreated.TYPE):
        decode(OrderCreated.TYPE, payload)
