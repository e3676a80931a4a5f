"""What a contract suite is given: the ports of every context over one database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ordersys.domain.orders.placing import Offer
from ordersys.infrastructure.gateways.simulator import GatewayCall, GatewayDecision
from ordersys.messaging.handling import ConsumerTransaction
from ordersys.messaging.outbox import OutboxQueue, ShardLeases
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.dead_letters.ports import DeadLetterReads, DeadLetterTransaction
from ordersys.usecase.orders.ports import OrderReads, OrderTransaction
from ordersys.usecase.payments.ports import PaymentTransaction
from ordersys.usecase.tickets.ports import TicketTransaction
from tests.waiting import eventually

T = TypeVar("T")


class EveryTransaction(
    OrderTransaction, PaymentTransaction, TicketTransaction, ConsumerTransaction, DeadLetterTransaction, Protocol
):
    """Has the ports of every context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`statements`: work whose statements commit by themselves. `count` tells the rows of a table of PostgreSQL, or of
    what stands for it. `leases(name, seconds)`.
    """

    unit_of_work: UnitOfWork[EveryTransaction]
    autocommit: UnitOfWork[EveryTransaction]
    reads: OrderReads
    letters: DeadLetterReads
    queue: OutboxQueue
    leases: Callable[[str, float], ShardLeases]
    decisions: Callable[[Sequence[GatewayCall]], Awaitable[Sequence[GatewayDecision]]]
    put: Callable[[Sequence[Offer]], Awaitable[None]]
    count: Callable[[str], Awaitable[int]]


class Undone(Exception):
    """Raised to roll a transaction back."""


@asynccontextmanager
async def undone(unit_of_work: UnitOfWork[EveryTransaction]) -> AsyncIterator[EveryTransaction]:
    """A transaction that is rolled back at its end."""
    try:
        async with unit_of_work.begin() as transaction:
            yield transaction
            raise Undone
    except Undone:
        return


async def later(ask: Callable[[], Awaitable[T]]) -> T:
    """The first true answer of an asynchronous question."""
    predicate: Callable[[], T | Awaitable[T]] = ask
    return await eventually(predicate)
