"""The OrderReads port: one suite for the fake and for PostgreSQL, through the use cases that need it."""

from datetime import timedelta
from uuid import UUID

import pytest

from ordersys.domain.orders.order import Order, Status
from ordersys.domain.payments.payment import Authorized, PaymentStatus
from ordersys.domain.shared.ids import CustomerId
from ordersys.entrypoint.consumers.subscriptions import subscribers
from ordersys.infrastructure.postgres.codec import to_json
from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Acked
from ordersys.messaging.outbox import FailedPublish, PublishedRow
from ordersys.messaging.retry_queue import WAITS
from ordersys.usecase.orders.ports import StatusChange
from ordersys.usecase.orders.read_orders import BadStatus, GetOrder, GetWorkflow, ListOrders, OrderNotFound
from ordersys.usecase.orders.views import OrderPage, PaymentView, TicketView, WorkflowView, order_view
from ordersys.usecase.orders.waiting import WaitingRules
from ordersys.usecase.payments.ports import Intent, Lease, SettledIntent
from ordersys.usecase.shared.cursor import BadCursor
from ordersys.usecase.tickets.ports import Ticket
from tests.contract.world import World
from tests.fakes import placing
from tests.fakes.clock import NOON
from tests.fakes.making import (
    ANNA,
    BORIS,
    CAUSE,
    charge,
    event_id,
    flight_id,
    item,
    message,
    order,
    order_id,
    outgoing,
    rub,
)

RULES = WaitingRules(subscribers=subscribers(), deadline=timedelta(minutes=5))


async def add(world: World, *orders: Order) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, orders)


async def page(
    world: World,
    customer: CustomerId = ANNA,
    *,
    status: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> OrderPage:
    return await ListOrders(reads=world.reads).execute(customer, status=status, cursor=cursor, limit=limit)


async def workflow(world: World, number: int = 1) -> WorkflowView:
    return await GetWorkflow(reads=world.reads, rules=RULES).execute(order_id(number), ANNA)


def shown(found: OrderPage) -> list[UUID]:
    return [one.id for one in found.items]


def ids(*numbers: int) -> list[UUID]:
    return [order_id(number) for number in numbers]


async def test_an_order_is_shown_as_it_is(world: World) -> None:
    bought = order(1, item(2, 1, 700), item(1, 3, 500))
    await add(world, bought)

    found = await GetOrder(reads=world.reads).execute(bought.id, ANNA)

    assert to_json(found) == to_json(order_view(bought))


@pytest.mark.parametrize("customer", [BORIS, CustomerId("")])
async def test_another_customers_order_does_not_exist(world: World, customer: CustomerId) -> None:
    await add(world, order(1))

    with pytest.raises(OrderNotFound):
        await GetOrder(reads=world.reads).execute(order_id(1), customer)
    with pytest.raises(OrderNotFound):
        await GetWorkflow(reads=world.reads, rules=RULES).execute(order_id(1), customer)


async def test_an_unknown_order_does_not_exist_for_anybody(world: World) -> None:
    with pytest.raises(OrderNotFound):
        await GetOrder(reads=world.reads).execute(order_id(1), None)


async def test_an_operator_sees_everybodys_order(world: World) -> None:
    await add(world, order(1))

    assert (await GetOrder(reads=world.reads).execute(order_id(1), None)).id == order_id(1)
    assert (await GetWorkflow(reads=world.reads, rules=RULES).execute(order_id(1), None)).order.id == order_id(1)


async def test_payment_and_tickets_are_shown_with_the_order(world: World) -> None:
    intent = Intent(charge=charge(1), status=PaymentStatus.REQUESTED, cause=CAUSE)
    answer = Authorized(authorization_id="auth_1")
    settled = SettledIntent(intent=intent, answer=answer, becomes=PaymentStatus.AUTHORIZED)
    tickets = [
        Ticket(
            number=f"999000000000{n}",
            order_id=order_id(1),
            ordinal=n,
            flight_id=flight_id(1),
            seat_number=7 - n,
            issued_at=NOON,
        )
        for n in (1, 0)
    ]
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
        await transaction.payments.request([intent], at=NOON)
        await transaction.payments.settle([settled], at=NOON)
        await transaction.tickets.issue(tickets, (), ())

    found = await GetOrder(reads=world.reads).execute(order_id(1), ANNA)

    assert found.payment == PaymentView(
        status="AUTHORIZED", method="pm_ok", amount=rub(1000), attempts=0, authorization_id="auth_1"
    )
    assert list(found.tickets) == [
        TicketView(number="9990000000000", flight_id=flight_id(1), seat="2A", status="VALID"),
        TicketView(number="9990000000001", flight_id=flight_id(1), seat="1F", status="VALID"),
    ]


async def test_a_customer_without_orders_has_an_empty_page(world: World) -> None:
    await add(world, order(1, customer=BORIS))

    found = await page(world)

    assert (list(found.items), found.next_cursor) == ([], None)


async def test_a_page_shows_the_newest_first_and_nobody_elses(world: World) -> None:
    await add(world, order(2), order(3, customer=BORIS), order(1), order(4))

    assert shown(await page(world)) == ids(4, 2, 1)


async def test_pages_follow_each_other_without_gap_or_overlap(world: World) -> None:
    await add(world, *(order(number) for number in range(1, 6)))

    first = await page(world, limit=2)
    second = await page(world, limit=2, cursor=first.next_cursor)
    third = await page(world, limit=2, cursor=second.next_cursor)

    assert [shown(one) for one in (first, second, third)] == [ids(5, 4), ids(3, 2), ids(1)]
    assert third.next_cursor is None


async def test_new_orders_do_not_shift_the_pages(world: World) -> None:
    await add(world, *(order(number) for number in range(1, 4)))
    first = await page(world, limit=2)
    await add(world, order(9))

    assert shown(await page(world, limit=2, cursor=first.next_cursor)) == ids(1)


async def test_a_page_that_is_just_full_is_the_last(world: World) -> None:
    await add(world, order(1), order(2))

    assert (await page(world, limit=2)).next_cursor is None


async def test_a_page_can_be_of_one_status(world: World) -> None:
    await add(world, order(1), order(2, status=Status.COMPLETED), order(3))

    assert shown(await page(world, status="CREATED")) == ids(3, 1)
    assert shown(await page(world, status="COMPLETED")) == ids(2)


@pytest.mark.parametrize("status", ["created", "PAID", ""])
async def test_a_status_that_there_is_not_is_invalid(world: World, status: str) -> None:
    with pytest.raises(BadStatus):
        await page(world, status=status)


@pytest.mark.parametrize("cursor", ["", "1", "\0"])
async def test_a_cursor_that_was_not_given_out_is_invalid(world: World, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await page(world, cursor=cursor)


async def test_a_new_orders_workflow_is_all_but_empty(world: World) -> None:
    await add(world, order(1))

    found = await workflow(world)

    assert to_json(found.order) == to_json(order_view(order(1)))
    assert found.payment is None
    assert [(one.from_status, one.to_status, one.at) for one in found.history] == [(None, "CREATED", NOON)]
    assert not any([*found.tickets, *found.outbox, *found.inbox, *found.retries, *found.dead_letters])


async def test_the_history_is_every_step_in_its_order(world: World) -> None:
    cancelled = StatusChange(
        order_id=order_id(1),
        before=Status.CREATED,
        after=Status.CANCELLED,
        at=NOON + timedelta(seconds=1),
        reason="no money",
        event_id=event_id(5),
    )
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1), order(2)])
        await transaction.orders.change([cancelled])

    found = (await workflow(world)).history

    assert [(one.from_status, one.to_status, one.reason, one.event_id) for one in found] == [
        (None, "CREATED", None, None),
        ("CREATED", "CANCELLED", "no money", str(event_id(5))),
    ]
    assert [one.at for one in found] == [NOON, cancelled.at]


async def test_the_outbox_shows_published_parked_failed_and_pending_events(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1), order(2)])
        await transaction.outbox.append([outgoing(n) for n in range(1, 5)])
        await transaction.outbox.append([outgoing(9, order=2)])
    tokens = await world.leases("worker", 60).balance(returning=True)
    rows = await world.queue.due(list(tokens), 3)
    await world.queue.archive([PublishedRow(row=rows[0], topic="t", ack=Acked(partition=3, offset=17))], tokens)
    await world.queue.defer([FailedPublish(row=rows[2], error="publish.drop", delay=60)])
    await world.queue.defer([FailedPublish(row=rows[1], error="msg_size_too_large", delay=None)])

    found = (await workflow(world)).outbox

    assert [(one.event_id, one.status, one.attempts, one.last_error) for one in found] == [
        (str(event_id(1)), "published", 1, None),
        (str(event_id(2)), "parked", 1, "msg_size_too_large"),
        (str(event_id(3)), "pending", 1, "publish.drop"),
        (str(event_id(4)), "pending", 0, None),
    ]
    assert [(one.topic, one.partition, one.offset, one.published_at is None) for one in found[:2]] == [
        ("t", 3, 17, False),
        (None, None, None, True),
    ]
    assert {(one.type, one.producer, one.correlation_id, one.causation_id, one.occurred_at) for one in found} == {
        ("ordersys.OrderCreated.v1", "order-service", CAUSE.correlation_id, "", NOON)
    }


async def test_the_outbox_shows_the_rows_that_operators_name_and_when_they_are_tried_again(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
        await transaction.outbox.append([outgoing(1), outgoing(2)])
    tokens = await world.leases("worker", 60).balance(returning=True)
    (row,) = await world.queue.due(list(tokens), 1)

    await world.queue.defer([FailedPublish(row=row, error="publish.drop", delay=60)])
    found = await workflow(world)

    assert found.outbox[0].id == row.id
    assert (found.outbox[0].next_attempt_at is None, found.outbox[1].next_attempt_at) == (False, None)
    assert found.waiting_for
    assert found.waiting_for.until == found.outbox[0].next_attempt_at


async def test_kept_messages_are_shown_in_the_order_in_which_they_are_due(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1), order(2)])
        await transaction.retries.record_first_failure("payment-service", message(1), "ValueError: odd", 5)
        await transaction.retries.enqueue("payment-service", [message(2)])
        await transaction.retries.record_first_failure("payment-service", message(9, order=2), "other", 5)

    found = await workflow(world)

    assert [(one.event_id, one.consumer, one.attempts, one.error) for one in found.retries] == [
        (str(event_id(1)), "payment-service", 1, "ValueError: odd"),
        (str(event_id(2)), "payment-service", 0, WAITS),
    ]
    assert [(one.event_id, one.status) for one in found.inbox] == [
        (str(event_id(1)), "retrying"),
        (str(event_id(2)), "retrying"),
    ]
    assert found.waiting_for
    assert found.waiting_for.until == found.retries[0].next_attempt_at


async def test_dead_letters_are_shown_with_the_id_that_replays_them(world: World) -> None:
    dead = message(1)
    letter = DeadLetter(
        consumer="payment-service",
        event_id=dead.event_id,
        order_id=dead.order_id,
        type=dead.type,
        delivery=dead.delivery,
        attempts=5,
        error="ValueError: odd",
    )
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
        await transaction.dead_letters.add([letter])

    found = await workflow(world)

    (shown,) = found.dead_letters
    assert (shown.consumer, shown.event_id, shown.status) == ("payment-service", str(event_id(1)), "NEW")
    assert [one.status for one in found.inbox] == ["dead"]
    assert found.waiting_for
    assert found.waiting_for.kind == "dead_letter"
    assert (found.waiting_for.id, found.waiting_for.action) == (shown.id, "replay_dead_letter")


async def test_a_payment_tells_when_the_gateway_is_asked_again_at_the_latest(world: World) -> None:
    intent = Intent(charge=charge(1), status=PaymentStatus.REQUESTED, cause=CAUSE)
    until, due = NOON + timedelta(seconds=6), NOON + timedelta(seconds=1)
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
        await transaction.payments.request([intent], at=NOON)

    async with world.unit_of_work.begin() as transaction:
        (claimed,) = await transaction.payments.claim(1, at=NOON, lease=Lease(owner="one", until=until))
    leased = (await workflow(world)).payment
    async with world.unit_of_work.begin() as transaction:
        await transaction.payments.postpone([(claimed, "no answer", due)])
    postponed = (await workflow(world)).payment

    assert leased
    assert (leased.next_attempt_at, leased.last_error) == (until, None)
    assert postponed
    assert (postponed.next_attempt_at, postponed.last_error) == (due, "no answer")


async def test_the_inbox_shows_what_each_consumer_has_handled(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1), order(2)])
        await transaction.inbox.claim("payment-service", [message(1), message(2, order=2)])
    async with world.unit_of_work.begin() as transaction:
        await transaction.inbox.claim("order-service", [message(3)])

    found = (await workflow(world)).inbox

    assert [(one.consumer, one.event_id, one.type, one.status, one.attempts) for one in found] == [
        ("payment-service", str(event_id(1)), "ordersys.OrderCreated.v1", "processed", 1),
        ("order-service", str(event_id(3)), "ordersys.OrderCreated.v1", "processed", 1),
    ]
    assert all(one.processed_at for one in found)


async def test_many_workflows_are_those_of_each_whoever_owns_them(world: World) -> None:
    await add(world, order(1), order(2, customer=BORIS), order(3))
    found = await world.reads.workflows([order_id(1), order_id(2), order_id(9)])

    assert set(found) == {order_id(1), order_id(2)}
    for number in (1, 2):
        assert found[order_id(number)] == await world.reads.workflow(order_id(number), None)


async def test_no_workflows_are_none(world: World) -> None:
    assert await world.reads.workflows([]) == {}
