"""The unit of work on PostgreSQL: one connection, one transaction, all repositories on it."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.postgres.dead_letter_repository import DeadLetterRepository, DeadLetterResolutionRepository
from ordersys.infrastructure.postgres.errors import translated
from ordersys.infrastructure.postgres.inbox_repository import InboxRepository
from ordersys.infrastructure.postgres.order_repository import OrderRepository, PurchaseRepository, SeatRepository
from ordersys.infrastructure.postgres.outbox_repository import OutboxRepository
from ordersys.infrastructure.postgres.payment_repository import PaymentRepository
from ordersys.infrastructure.postgres.placement_repository import PlacementRepository
from ordersys.infrastructure.postgres.retry_repository import RetryRepository
from ordersys.infrastructure.postgres.session import Session, begun, opened
from ordersys.infrastructure.postgres.ticket_repository import (
    SeatMapRepository,
    TicketingRepository,
    TicketRepository,
)
from ordersys.messaging.unit_of_work import Notifier, NullNotifier


@dataclass(kw_only=True)
class PostgresTransaction:
    """Has the ports of every context; each use case sees those that its own Protocol names."""

    connection: Session
    _then: list[Callable[[], None]] = field(default_factory=list)
    _changed: set[UUID] = field(default_factory=set)

    def on_commit(self, then: Callable[[], None]) -> None:
        self._then.append(then)

    def changed(self, order_ids: Iterable[UUID]) -> None:
        self._changed.update(order_ids)

    def committed(self, notifier: Notifier) -> None:
        if self._changed:
            notifier.notify(self._changed)
        for then in self._then:
            then()

    @cached_property
    def orders(self) -> OrderRepository:
        return OrderRepository(connection=self.connection)

    @cached_property
    def seats(self) -> SeatRepository:
        return SeatRepository(connection=self.connection)

    @cached_property
    def placements(self) -> PlacementRepository:
        return PlacementRepository(connection=self.connection)

    @cached_property
    def purchases(self) -> PurchaseRepository:
        return PurchaseRepository(connection=self.connection)

    @cached_property
    def outbox(self) -> OutboxRepository:
        return OutboxRepository(connection=self.connection)

    @cached_property
    def inbox(self) -> InboxRepository:
        return InboxRepository(connection=self.connection)

    @cached_property
    def retries(self) -> RetryRepository:
        return RetryRepository(connection=self.connection)

    @cached_property
    def dead_letters(self) -> DeadLetterRepository:
        return DeadLetterRepository(connection=self.connection)

    @cached_property
    def resolutions(self) -> DeadLetterResolutionRepository:
        return DeadLetterResolutionRepository(connection=self.connection)

    @cached_property
    def payments(self) -> PaymentRepository:
        return PaymentRepository(connection=self.connection)

    @cached_property
    def ticketings(self) -> TicketingRepository:
        return TicketingRepository(connection=self.connection)

    @cached_property
    def seat_maps(self) -> SeatMapRepository:
        return SeatMapRepository(connection=self.connection)

    @cached_property
    def tickets(self) -> TicketRepository:
        return TicketRepository(connection=self.connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUnitOfWork:
    """Raises Unavailable when PostgreSQL is away and Contention when the transaction was given up; nothing is
    committed then, but for a connection lost at the very COMMIT, whose outcome only a repetition can tell (keys and
    inbox make it safe).
    """

    engine: AsyncEngine
    notifier: Notifier = field(default_factory=NullNotifier)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        with translated():
            async with begun(self.engine) as connection:
                transaction = PostgresTransaction(connection=connection)
                yield transaction
        transaction.committed(self.notifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAutocommit:
    """A unit of work for what is a single statement: PostgreSQL commits it by itself, and two round trips are saved.
    Of several statements those before an error stay.
    """

    engine: AsyncEngine
    notifier: Notifier = field(default_factory=NullNotifier)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        with translated():
            async with opened(self.engine) as connection:
                transaction = PostgresTransaction(connection=connection)
                yield transaction
        transaction.committed(self.notifier)
