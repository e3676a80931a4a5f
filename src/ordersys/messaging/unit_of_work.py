"""The unit of work: one database transaction. It commits where it was begun and nowhere else."""

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
        """Runs `then` once the transaction is committed; never if it is rolled back."""
        ...

    def changed(self, order_ids: Iterable[UUID]) -> None:
        """Who watches these orders is told once the transaction is committed."""
        ...


class Notifier(Protocol):
    """Those who watch orders, in all processes. Telling them never waits and never fails, and may be in vain: who
    watches looks by itself now and then, too.
    """

    def notify(self, order_ids: Iterable[UUID]) -> None: ...


class NullNotifier:
    """The Watchers of a process that has none to tell."""

    def notify(self, order_ids: Iterable[UUID]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedUnitOfWork(Generic[T]):
    """Lets a use case take part in a transaction that is open already; the owner of that one commits it."""

    transaction: T

    def begin(self) -> AbstractAsyncContextManager[T]:
        return nullcontext(self.transaction)
