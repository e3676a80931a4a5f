"""The faults between the relay and the broker, each a Publisher around another.

None of them changes the order of one key's records, so whatever inversion is found is not of their making.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ordersys.messaging.envelope import Acked, Publisher, Record, Refused
from ordersys.workshop.chaos.faults import PUBLISH_ACK_LOST, PUBLISH_DELAY, PUBLISH_DROP, PUBLISH_DUPLICATE, Faults

# Long enough to be seen in any latency, short enough for every lease.
DELAY_SECONDS: Final = 0.25
Sleep = Callable[[float], Awaitable[object]]
Answers = Sequence[Acked | Refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppingPublisher:
    """Loses records before they are sent; the relay must notice and try again."""

    publisher: Publisher
    faults: Faults

    async def publish(self, records: Sequence[Record]) -> Answers:
        kept = [number for number in range(len(records)) if not self.faults.strikes(PUBLISH_DROP)]
        answers: list[Acked | Refused] = [Refused(reason=PUBLISH_DROP)] * len(records)
        if kept:
            for number, answer in zip(kept, await self.publisher.publish([records[n] for n in kept]), strict=True):
                answers[number] = answer
        return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class AckLosingPublisher:
    """The record is in the topic, and the relay is told that it is not: it will be sent once more."""

    publisher: Publisher
    faults: Faults

    async def publish(self, records: Sequence[Record]) -> Answers:
        return [self._heard(answer) for answer in await self.publisher.publish(records)]

    def _heard(self, answer: Acked | Refused) -> Acked | Refused:
        lost = isinstance(answer, Acked) and self.faults.strikes(PUBLISH_ACK_LOST)
        return Refused(reason=PUBLISH_ACK_LOST) if lost else answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatingPublisher:
    """Sends records twice, the twin right behind the first, as a producer without idempotence does."""

    publisher: Publisher
    faults: Faults

    async def publish(self, records: Sequence[Record]) -> Answers:
        sent: list[Record] = []
        firsts: list[int] = []
        for record in records:
            firsts.append(len(sent))
            sent += [record, record] if self.faults.strikes(PUBLISH_DUPLICATE) else [record]
        answers = await self.publisher.publish(sent)
        return [answers[first] for first in firsts]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayingPublisher:
    """Holds records back for a moment, and with them the later ones of their key; the others overtake them."""

    publisher: Publisher
    faults: Faults
    seconds: float = DELAY_SECONDS
    pause: Sleep = asyncio.sleep

    async def publish(self, records: Sequence[Record]) -> Answers:
        late = self._late(records)
        if not late:
            return await self.publisher.publish(records)
        prompt = [number for number in range(len(records)) if number not in late]
        answers: dict[int, Acked | Refused] = {}
        for part in await asyncio.gather(
            self._send(records, prompt, 0), self._send(records, sorted(late), self.seconds)
        ):
            answers |= part
        return [answers[number] for number in range(len(records))]

    def _late(self, records: Sequence[Record]) -> set[int]:
        held: set[bytes | None] = set()
        late: set[int] = set()
        for number, record in enumerate(records):
            if record.key in held or self.faults.strikes(PUBLISH_DELAY):
                held.add(record.key)
                late.add(number)
        return late

    async def _send(
        self, records: Sequence[Record], numbers: Sequence[int], delay: float
    ) -> dict[int, Acked | Refused]:
        if delay:
            await self.pause(delay)
        sent = [records[number] for number in numbers]
        return dict(zip(numbers, await self.publisher.publish(sent) if sent else (), strict=True))


def faulty_publisher(publisher: Publisher, faults: Faults) -> Publisher:
    """All of them: what is dropped is not sent at all, an acknowledgement is lost behind everything that was sent."""
    publisher = DelayingPublisher(publisher=publisher, faults=faults)
    publisher = DuplicatingPublisher(publisher=publisher, faults=faults)
    publisher = AckLosingPublisher(publisher=publisher, faults=faults)
    return DroppingPublisher(publisher=publisher, faults=faults)
