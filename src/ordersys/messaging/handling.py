"""What handling a message takes, in the consumer's batches as in later attempts."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.messaging.inbox import Inbox, Message
from ordersys.messaging.retry_queue import DeadLetter, DeadLetters, RetryableMessage, RetryQueue
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
        """That many attempts have failed, and there will be another one."""
        ...

    def dead_lettered(self, consumer: str, letters: Sequence[DeadLetter], error: BaseException | None) -> None: ...


def is_transient(error: Exception) -> bool:
    """The database is away or gave the transaction up: no message caused it, and no attempt is spent."""
    return isinstance(error, DomainError) and error.kind is Kind.TRANSIENT


def error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
