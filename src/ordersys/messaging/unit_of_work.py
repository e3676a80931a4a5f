"""The unit of work: one database transaction, which commits only where it began."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class UnitOfWork(Protocol[T_co]):
    def begin(self) -> AbstractAsyncContextManager[T_co]:
        """Opens a transaction: commits when the block ends, rolls back when it raises."""
        ...


class CommitHooks(Protocol):
    def on_commit(self, then: Callable[[], None]) -> None:
        """Calls `then` after the commit; never after a rollback."""
        ...

    def changed(self, order_ids: Iterable[UUID]) -> None:
        """Notifies the watchers of these orders after the commit."""
        ...


class Notifier(Protocol):
    """Notifies all processes of changed orders. It never waits and never fails; delivery is best effort."""

    def notify(self, order_ids: Iterable[UUID]) -> None: ...


class NullNotifier:
    """A Notifier that does nothing."""

    def notify(self, order_ids: Iterable[UUID]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedUnitOfWork(Generic[T]):
    """Lets a use case join a transaction that is already open; the owner of the transaction commits it."""

    transaction: T

    def begin(self) -> AbstractAsyncContextManager[T]:
        return nullcontext(self.transaction)
