"""The ports of the tickets: one suite for the fake and for PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from asyncpg import IntegrityConstraintViolationError  # type: ignore[import-untyped]  # it has no stubs

from ordersys.domain.shared.ids import OrderId
from ordersys.domain.tickets.seating import SeatMap
from ordersys.domain.tickets.ticketing import Ticketing
from ordersys.messaging.outbox import SHARDS
from ordersys.usecase.tickets.issue_tickets import IssueTicket, IssueTickets
from ordersys.usecase.tickets.ports import Decision, PurchasedSeats, Ticket, VoidedTicket
from tests.contract.world import World, undone
from tests.fakes import placing
from tests.fakes.airline import ScriptedAirline
from tests.fakes.clock import NOON, FakeClock, FakeIds
from tests.fakes.making import CAUSE, event_id, flight_id, item, offer, order, order_id, outgoing


def ticket(number: str, *, order: int = 1, ordinal: int = 0, flight: int = 1, seat: int = 1) -> Ticket:
    return Ticket(
        number=number,
        order_id=order_id(order),
        ordinal=ordinal,
        flight_id=flight_id(flight),
        seat_number=seat,
        issued_at=NOON,
    )


async def add(world: World, *tickets: Ticket) -> None:
    async with world.unit_of_work.begin() as transaction:
        await transaction.tickets.issue(tickets, (), ())


async def seat_map(world: World, number: int = 1) -> SeatMap:
    async with undone(world.unit_of_work) as transaction:
        return (await transaction.seat_maps.lock([flight_id(number)]))[flight_id(number)]


async def purchases(world: World, *numbers: int) -> Mapping[OrderId, Sequence[PurchasedSeats]]:
    async with undone(world.unit_of_work) as transaction:
        return await transaction.purchases.of([order_id(number) for number in numbers])


async def test_purchases_list_the_seats_of_existing_orders_in_item_order(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1, item(2, 1), item(1, 3)), order(2, item(1, 2))])

    assert await purchases(world, 1, 2, 9) == {
        order_id(1): [PurchasedSeats(flight_id(2), 1, None), PurchasedSeats(flight_id(1), 3, None)],
        order_id(2): [PurchasedSeats(flight_id(1), 2, None)],
    }


async def test_purchases_include_the_capacity_of_a_known_flight(world: World) -> None:
    await world.put([offer(1, left=120)])
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1, item(1, 2))])

    assert await purchases(world, 1) == {order_id(1): [PurchasedSeats(flight_id(1), 2, 120)]}


async def test_a_decision_returns_one_number_per_seat_to_issue(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        numbers = await transaction.ticketings.decide(
            {
                order_id(1): Decision(Ticketing.ISSUED, 4),
                order_id(2): Decision(Ticketing.REJECTED),
                order_id(9): Decision(Ticketing.ISSUED),
            },
            at=NOON,
        )

    assert {key: len(value) for key, value in numbers.items()} == {order_id(1): 4, order_id(2): 0, order_id(9): 0}


async def test_a_flight_begins_with_an_empty_map(world: World) -> None:
    assert await seat_map(world) == SeatMap(flight_id=flight_id(1))


async def test_a_map_comes_back_as_it_was_saved(world: World) -> None:
    saved = [
        SeatMap(flight_id=flight_id(1), next_seat=9, released=[3, 5]),
        SeatMap(flight_id=flight_id(2), next_seat=2),
    ]

    async with world.unit_of_work.begin() as transaction:
        await transaction.seat_maps.lock([flight_id(1), flight_id(2)])
        await transaction.seat_maps.save(saved)

    assert [await seat_map(world, 1), await seat_map(world, 2)] == saved


async def test_a_map_of_a_rolled_back_transaction_is_as_before(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        maps = await transaction.seat_maps.lock([flight_id(1)])
        maps[flight_id(1)].take()
        await transaction.seat_maps.save(maps.values())

    assert (await seat_map(world)).next_seat == 1


async def test_a_map_is_saved_with_the_tickets_that_were_drawn_from_it(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        maps = await transaction.seat_maps.lock([flight_id(1), flight_id(2)])
        seat = maps[flight_id(1)].take()
        await transaction.tickets.issue([ticket("1", seat=seat)], maps.values(), [outgoing(1), outgoing(2)])

    assert [await seat_map(world, 1), await seat_map(world, 2)] == [
        SeatMap(flight_id=flight_id(1), next_seat=2),
        SeatMap(flight_id=flight_id(2)),
    ]
    rows = await world.queue.due(range(SHARDS), 10)
    assert [row.event_id for row in rows] == [event_id(1), event_id(2)]


async def test_maps_that_are_there_and_maps_that_are_not_are_locked_together(world: World) -> None:
    saved = SeatMap(flight_id=flight_id(1), next_seat=9)
    async with world.unit_of_work.begin() as transaction:
        await transaction.seat_maps.lock([flight_id(1)])
        await transaction.seat_maps.save([saved])

    async with undone(world.unit_of_work) as transaction:
        maps = await transaction.seat_maps.lock([flight_id(2), flight_id(1), flight_id(1)])

    assert maps == {flight_id(1): saved, flight_id(2): SeatMap(flight_id=flight_id(2))}


async def test_numbers_are_13_digits_and_never_the_same(world: World) -> None:
    async def numbers() -> Sequence[str]:
        async with undone(world.unit_of_work) as transaction:
            decided = await transaction.ticketings.decide({order_id(1): Decision(Ticketing.ISSUED, 3)}, at=NOON)
        return decided[order_id(1)]

    first, second = await numbers(), await numbers()

    assert len({*first, *second}) == 6
    assert all(len(number) == 13 and number.isdigit() for number in first)


@pytest.mark.parametrize(
    "second",
    [
        ticket("2", order=1, ordinal=0, seat=2),
        ticket("2", order=2, seat=1),
        ticket("1", order=2, seat=2),
    ],
    ids=["order and ordinal", "seat", "number"],
)
async def test_what_is_ticketed_is_not_ticketed_again(world: World, second: Ticket) -> None:
    await add(world, ticket("1"))

    with pytest.raises((IntegrityConstraintViolationError, ValueError)):
        await add(world, second)

    assert await world.count("tickets") == 1


async def test_one_seat_number_on_two_flights_is_two_seats(world: World) -> None:
    await add(world, ticket("1", flight=1), ticket("2", flight=2, ordinal=1))

    assert await world.count("tickets") == 2


async def test_issuers_at_the_same_moment_share_no_seat(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(n, item(1, 2), item(2, 1)) for n in range(1, 41)])
    issuers = [
        IssueTickets(
            unit_of_work=world.unit_of_work, clock=FakeClock(), ids=FakeIds(n * 1000 + 1), airline=ScriptedAirline()
        )
        for n in range(4)
    ]

    await asyncio.gather(
        *(
            issuer.execute([IssueTicket(order_id=order_id(n), cause=CAUSE) for n in range(start, 41, 4)])
            for start, issuer in enumerate(issuers, 1)
        )
    )

    views = [await world.reads.order(order_id(number), None) for number in range(1, 41)]
    seats = Counter((one.flight_id, one.seat) for view in views if view for one in view.tickets)
    assert len(seats) == 120
    assert max(seats.values()) == 1
    assert {(await seat_map(world, 1)).next_seat, (await seat_map(world, 2)).next_seat} == {81, 41}


def ids(*numbers: int) -> set[OrderId]:
    return {order_id(number) for number in numbers}


async def decide(world: World, status: Ticketing, *numbers: int) -> set[OrderId]:
    async with world.unit_of_work.begin() as transaction:
        return set(await transaction.ticketings.decide({order_id(n): Decision(status) for n in numbers}, at=NOON))


async def void(world: World, *numbers: int) -> set[OrderId]:
    async with world.unit_of_work.begin() as transaction:
        return await transaction.ticketings.void([order_id(number) for number in numbers], at=NOON)


async def test_what_becomes_of_an_orders_tickets_is_decided_once(world: World) -> None:
    assert await decide(world, Ticketing.ISSUED, 1, 2) == ids(1, 2)

    assert await decide(world, Ticketing.REJECTED, 2, 3) == ids(3)
    assert await decide(world, Ticketing.ISSUED, 1, 2, 3) == set()


async def test_what_was_issued_is_voided_once(world: World) -> None:
    await decide(world, Ticketing.ISSUED, 1)
    await decide(world, Ticketing.REJECTED, 2)

    assert await void(world, 1, 2, 3) == ids(1)
    assert await void(world, 1, 2, 3) == set()


async def test_an_order_that_was_voided_before_its_tickets_is_decided(world: World) -> None:
    await void(world, 1)

    assert await decide(world, Ticketing.ISSUED, 1) == set()


async def test_a_decision_that_is_rolled_back_was_none(world: World) -> None:
    async with undone(world.unit_of_work) as transaction:
        await transaction.ticketings.decide({order_id(1): Decision(Ticketing.ISSUED)}, at=NOON)
        await transaction.ticketings.void(ids(2), at=NOON)

    assert await decide(world, Ticketing.ISSUED, 1, 2) == ids(1, 2)


async def test_issuing_and_voiding_at_the_same_moment_agree(world: World) -> None:
    numbers = range(1, 21)

    decided, issued = await asyncio.gather(decide(world, Ticketing.ISSUED, *numbers), void(world, *reversed(numbers)))

    assert issued == decided


async def test_voided_tickets_are_told_once_and_free_their_seats(world: World) -> None:
    await add(world, ticket("1", order=1, seat=4), ticket("2", order=2, seat=5))

    async with world.unit_of_work.begin() as transaction:
        voided = await transaction.tickets.void(ids(1))
    async with world.unit_of_work.begin() as transaction:
        assert await transaction.tickets.void(ids(1)) == []

    assert list(voided) == [VoidedTicket(number="1", order_id=order_id(1), flight_id=flight_id(1), seat_number=4)]
    await add(world, ticket("3", order=3, seat=4))


async def test_a_voided_ticket_is_still_shown_and_its_number_never_given_again(world: World) -> None:
    async with world.unit_of_work.begin() as transaction:
        await placing.add(transaction, [order(1)])
    await add(world, ticket("1", order=1))
    async with world.unit_of_work.begin() as transaction:
        await transaction.tickets.void(ids(1))

    view = await world.reads.order(order_id(1), None)

    assert view
    assert [(one.number, one.status) for one in view.tickets] == [("1", "VOIDED")]
    with pytest.raises((IntegrityConstraintViolationError, ValueError)):
        await add(world, ticket("1", order=2, seat=2))
