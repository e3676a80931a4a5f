"""The unit of work: one database transaction. It commits where it was begun and nowhere else."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Work(Protocol[T_co]):
    def begin(self) -> AbstractAsyncContextManager[T_co]:
        """Opens a transaction: commits when the block ends, rolls back when it raises."""
        ...


class AfterCommit(Protocol):
    def on_commit(self, then: Callable[[], None]) -> None:
        """Runs `then` once the transaction is committed; never if it is rolled back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Generic[T]):
    """Lets a use case take part in a transaction that is open already; the owner of that one commits it."""

    transaction: T

    def begin(self) -> AbstractAsyncContextManager[T]:
        return nullcontext(self.transaction)
