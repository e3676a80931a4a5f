"""Dispatches a batch of messages to use cases: in as few calls as possible, the events of each order in order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from ordersys.domain.shared.event import Event
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS, Subscription, UseCase
from ordersys.messaging.inbox import Message, Unreadable
from ordersys.messaging.unit_of_work import JoinedUnitOfWork

T = TypeVar("T")

_DECODERS: Mapping[str, msgspec.json.Decoder[Event]] = {
    subscription.event.TYPE: msgspec.json.Decoder(subscription.event)
    for subscriptions in SUBSCRIPTIONS.values()
    for subscription in subscriptions
}


def decode(event_type: str, payload: bytes) -> Event:
    """Returns the event in a payload. Raises Unreadable."""
    try:
        return _DECODERS[event_type].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"the payload is not a valid {event_type}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch(Generic[T]):
    """`use_cases`: factories that build a use case on the transaction of the batch."""

    subscriptions: Sequence[Subscription]
    use_cases: Mapping[type[UseCase], Callable[[JoinedUnitOfWork[T]], UseCase]]

    async def __call__(self, transaction: T, messages: Sequence[Message]) -> None:
        by_type = {subscription.event.TYPE: subscription for subscription in self.subscriptions}
        joined = JoinedUnitOfWork(transaction=transaction)
        for use_case, group in _waves(messages, by_type):
            commands = [by_type[message.type].command(message.event, message) for message in group]
            await self.use_cases[use_case](joined).execute(commands)


def _waves(
    messages: Sequence[Message], by_type: Mapping[str, Subscription]
) -> Iterator[tuple[type[UseCase], Sequence[Message]]]:
    """Yields groups of messages by use case. If the next event of an order needs another use case than its last one, it
    belongs to a later wave.
    """
    wanted = {by_type[message.type].use_case for message in messages}
    if len(wanted) == 1:
        yield wanted.pop(), messages
        return
    last: dict[object, tuple[int, type[UseCase]]] = {}
    groups: dict[tuple[int, type[UseCase]], list[Message]] = {}
    for message in messages:
        use_case = by_type[message.type].use_case
        wave, before = last.get(message.order_id, (0, use_case))
        last[message.order_id] = (wave + (before != use_case), use_case)
        groups.setdefault(last[message.order_id], []).append(message)
    for (_, use_case), group in sorted(groups.items(), key=lambda item: item[0][0]):
        yield use_case, group
