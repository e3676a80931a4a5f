"""Shared by the consumer and the retry loop: the transaction, the handler, the meter."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.messaging.dead_letters import DeadLetter, DeadLetters
from ordersys.messaging.inbox import Inbox, Message
from ordersys.messaging.retry_queue import RetryableMessage, RetryQueue
from ordersys.messaging.unit_of_work import CommitHooks


class ConsumerTransaction(CommitHooks, Protocol):
    @property
    def inbox(self) -> Inbox: ...
    @property
    def retries(self) -> RetryQueue: ...
    @property
    def dead_letters(self) -> DeadLetters: ...


T = TypeVar("T", bound=ConsumerTransaction)
Handler = Callable[[T, Sequence[Message]], Awaitable[None]]


class ConsumerMeter(Protocol):
    def processed(self, consumer: str, messages: Sequence[Message]) -> None: ...
    def deduplicated(self, consumer: str, count: int) -> None: ...
    def retried(self, consumer: str, message: RetryableMessage, attempts: int, error: BaseException) -> None:
        """Reports that this many attempts have failed, and that another follows."""
        ...

    def dead_lettered(self, consumer: str, letters: Sequence[DeadLetter], error: BaseException | None) -> None: ...


def is_transient(error: Exception) -> bool:
    """Returns True if the database is unavailable or aborted the transaction: no attempt is counted for it."""
    return isinstance(error, DomainError) and error.kind is Kind.TRANSIENT


def error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
