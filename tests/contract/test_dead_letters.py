"""The DeadLetters port: one suite for the fake and for PostgreSQL."""

from dataclasses import replace

import pytest

from ordersys.messaging.dead_letters import DeadLetter
from ordersys.messaging.envelope import Delivery
from tests.contract.world import World, undone
from tests.fakes import placing
from tests.fakes.making import delivery, event_id, order, order_created, order_id

LETTER = DeadLetter(
    consumer="order-service",
    event_id=event_id(1),
    order_id=order_id(1),
    type=order_created().TYPE,
    delivery=delivery(1),
    attempts=1,
    error="ValueError: cannot",
)
UNREADABLE = replace(LETTER, event_id=None, order_id=None, type=None)


async def add(world: World, *letters: DeadLetter) -> None:
    async with world.unit_of_work.begin() as transaction:
        await transaction.dead_letters.add(letters)


async def test_a_dead_letter_is_kept_once(world: World) -> None:
    await add(world, LETTER)
    await add(world, LETTER, LETTER)

    assert await world.count("dead_letters") == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(LETTER, consumer="payment-service"),
        replace(LETTER, delivery=delivery(2)),
        replace(LETTER, delivery=delivery(1, partition=1)),
    ],
    ids=["consumer", "offset", "partition"],
)
async def test_another_consumer_or_place_is_another_letter(world: World, other: DeadLetter) -> None:
    await add(world, LETTER, other)

    assert await world.count("dead_letters") == 2


async def test_a_letter_of_a_rolled_back_transaction_is_not_kept(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        await transaction.dead_letters.add([LETTER])

    assert await world.count("dead_letters") == 0


@pytest.mark.parametrize(
    "letter",
    [
        UNREADABLE,
        replace(UNREADABLE, error="a\0b" * 5000),
        replace(
            UNREADABLE,
            delivery=Delivery(topic="t", partition=0, offset=0, key=None, value=None, headers={}),
        ),
        replace(
            UNREADABLE,
            delivery=Delivery(
                topic="t", partition=0, offset=0, key=b"\0", value=bytes(range(256)), headers={"h\0": bytes(range(256))}
            ),
        ),
        replace(
            UNREADABLE,
            delivery=Delivery(
                topic="t", partition=0, offset=2**40, key=b"", value=b"x" * 1_000_000, headers={"a": b"\\u0000"}
            ),
        ),
    ],
    ids=["unreadable", "error", "nothing", "bytes", "big"],
)
async def test_whatever_came_is_kept(world: World, letter: DeadLetter) -> None:
    await add(world, letter)

    assert await world.count("dead_letters") == 1


async def test_a_letter_shows_in_the_workflow_of_its_order(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
    await add(world, LETTER)

    workflow = await world.reads.workflow(order_id(1), None)

    assert workflow
    assert [(one.consumer, one.status, one.error) for one in workflow.dead_letters] == [
        ("order-service", "NEW", "ValueError: cannot")
    ]
    assert [(mark.event_id, mark.status) for mark in workflow.inbox] == [(str(event_id(1)), "dead")]
