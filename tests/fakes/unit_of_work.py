"""The unit of work in memory: others see what a transaction wrote once it ended well, and never if it did not."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from tests.fakes.dead_letter_reads import FakeDeadLetterResolutions
from tests.fakes.memory import Changes
from tests.fakes.messaging import FakeInbox, FakeOutbox, MessagingTables
from tests.fakes.orders import FakeOrders, FakePlacements, FakeSeats, OrderTables
from tests.fakes.payments import FakePayments, PaymentTables
from tests.fakes.retry_queue import FakeDeadLetters, FakeRetryQueue
from tests.fakes.tickets import FakePurchases, FakeSeatMaps, FakeTicketings, FakeTickets, TicketTables


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeDatabase:
    orders: OrderTables = field(default_factory=OrderTables)
    payments: PaymentTables = field(default_factory=PaymentTables)
    tickets: TicketTables = field(default_factory=TicketTables)
    messaging: MessagingTables = field(default_factory=MessagingTables)


class FakeTransaction:
    """Has the ports of every context."""

    def __init__(self, database: FakeDatabase) -> None:
        self.changes = changes = Changes()
        self.then: list[Callable[[], None]] = []
        self.told: set[UUID] = set()
        self.orders = FakeOrders(tables=database.orders, changes=changes)
        self.seats = FakeSeats(tables=database.orders, changes=changes)
        self.outbox = FakeOutbox(tables=database.messaging, changes=changes)
        self.placements = FakePlacements(tables=database.orders, changes=changes, seats=self.seats, outbox=self.outbox)
        self.inbox = FakeInbox(tables=database.messaging, changes=changes)
        self.retries = FakeRetryQueue(tables=database.messaging, changes=changes)
        self.resolutions = FakeDeadLetterResolutions(tables=database.messaging, changes=changes)
        self.dead_letters = FakeDeadLetters(tables=database.messaging, changes=changes)
        self.payments = FakePayments(tables=database.payments, changes=changes, outbox=self.outbox)
        self.ticketings = FakeTicketings(tables=database.tickets, changes=changes)
        self.purchases = FakePurchases(tables=database.orders, changes=changes)
        self.seat_maps = FakeSeatMaps(tables=database.tickets, changes=changes)
        self.tickets = FakeTickets(tables=database.tickets, changes=changes, maps=self.seat_maps, outbox=self.outbox)

    def on_commit(self, then: Callable[[], None]) -> None:
        self.then.append(then)

    def changed(self, order_ids: Iterable[UUID]) -> None:
        self.told.update(order_ids)


@dataclass(slots=True, kw_only=True)
class FakeUnitOfWork:
    """`failures` are raised by the next transactions in place of their commits; None lets one through. `told` are the
    orders of which watchers were told, once per commit.
    """

    database: FakeDatabase = field(default_factory=FakeDatabase)
    failures: list[Exception | None] = field(default_factory=list)
    begun: int = 0
    told: list[UUID] = field(default_factory=list)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[FakeTransaction]:
        self.begun += 1
        transaction = FakeTransaction(self.database)
        try:
            yield transaction
            failure = self.failures.pop(0) if self.failures else None
            if failure is not None:
                raise failure
            transaction.changes.commit()
        finally:
            transaction.changes.end()
        self.told.extend(sorted(transaction.told))
        for then in transaction.then:
            then()
