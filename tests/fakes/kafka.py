"""Kafka in memory: the Publisher and Stream ports; tests/contract holds them to what Apache Kafka does."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from zlib import crc32

from ordersys.messaging.envelope import Acked, Delivery, Record, Refused

MAX_BYTES = 1_000_000
Partition = tuple[str, int]


class FakeKafka:
    """The broker: topics with their records, groups with their members and offsets."""

    def __init__(self, topics: Iterable[str], *, partitions: int = 6) -> None:
        self.logs: dict[Partition, list[Record]] = {(topic, n): [] for topic in topics for n in range(partitions)}
        self.committed: dict[tuple[str, Partition], int] = {}
        self._partitions = partitions
        self._members: dict[str, list[FakeStream]] = defaultdict(list)
        self._numbers = count(1)
        self.grown = asyncio.Condition()

    def records(self, topic: str) -> Sequence[Record]:
        """All of a topic, partition after partition."""
        return [record for (name, _), log in sorted(self.logs.items()) if name == topic for record in log]

    def append(self, record: Record) -> Acked | None:
        """None: there is no such topic."""
        number = crc32(record.key or b"") % self._partitions
        log = self.logs.get((record.topic, number))
        if log is None:
            return None
        log.append(record)
        return Acked(partition=number, offset=len(log) - 1)

    def join(self, member: "FakeStream") -> None:
        self._members[member.group].append(member)
        self._balance(member.group)

    def leave(self, member: "FakeStream") -> None:
        """Its partitions go to the others at once; members of a killed process do this too, only later."""
        if member in self._members[member.group]:
            self._members[member.group].remove(member)
            member.owned.clear()
            self._balance(member.group)

    def _balance(self, group: str) -> None:
        members = self._members[group]
        for index, partition in enumerate(sorted(self.logs)):
            readers = [member for member in members if partition[0] in member.topics]
            chosen = readers[index % len(readers)] if readers else None
            for member in members:
                if member is not chosen:
                    member.owned.pop(partition, None)
            if chosen:
                # A rebalance takes everything away, and gives it out anew from what is committed.
                start = self.committed.get((group, partition), 0)
                chosen.owned[partition] = _Place(assignment=next(self._numbers), position=start)


@dataclass(slots=True, kw_only=True)
class _Place:
    assignment: int
    position: int


def _accept(record: Record) -> Refused | None:
    return None


@dataclass(slots=True, kw_only=True)
class FakePublisher:
    """`refuse` decides on each record; what it lets through is stored. `published` counts the calls."""

    kafka: FakeKafka
    refuse: Callable[[Record], Refused | None] = _accept
    published: int = 0
    closed: bool = False

    async def publish(self, records: Sequence[Record]) -> Sequence[Acked | Refused]:
        self.published += 1
        await asyncio.sleep(0)
        answers = [self._store(record) for record in records]
        async with self.kafka.grown:
            self.kafka.grown.notify_all()
        return answers

    async def close(self, deadline: float = 5.0) -> None:
        self.closed = True

    def _store(self, record: Record) -> Acked | Refused:
        if self.closed:
            return Refused(reason="producer_closed")
        if len(record.value or b"") > MAX_BYTES:
            return Refused(reason="msg_size_too_large", permanent=True)
        return self.refuse(record) or self.kafka.append(record) or Refused(reason="unknown_topic")


@dataclass(slots=True, kw_only=True, eq=False)
class FakeStream:
    """Joins when made. `idle_seconds` bounds the wait of an idle fetch; `held` counts hold(), `commits` commit()."""

    kafka: FakeKafka
    group: str
    topics: Sequence[str]
    batch_size: int = 500
    idle_seconds: float = 0.01
    held: int = 0
    commits: int = 0
    owned: dict[Partition, _Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kafka.join(self)

    async def fetch(self) -> Sequence[Delivery]:
        if not self._behind():
            await self._wait()
        batch: list[Delivery] = []
        for partition, place in self.owned.items():
            batch += self._take(partition, place, self.batch_size - len(batch))
        return batch

    async def commit(self, deliveries: Sequence[Delivery]) -> None:
        self.commits += 1
        await asyncio.sleep(0)
        for delivery in filter(self.owns, deliveries):
            key = self.group, (delivery.topic, delivery.partition)
            self.kafka.committed[key] = max(self.kafka.committed.get(key, 0), delivery.offset + 1)

    async def hold(self) -> None:
        self.held += 1
        await asyncio.sleep(0)

    def owns(self, delivery: Delivery) -> bool:
        place = self.owned.get((delivery.topic, delivery.partition))
        return place is not None and delivery.assignment == place.assignment

    async def close(self, deadline: float = 5.0) -> None:
        self.kafka.leave(self)

    def _behind(self) -> bool:
        return any(place.position < len(self.kafka.logs[partition]) for partition, place in self.owned.items())

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self.idle_seconds), self.kafka.grown:
                await self.kafka.grown.wait_for(self._behind)
        except TimeoutError:
            return

    def _take(self, partition: Partition, place: _Place, room: int) -> Sequence[Delivery]:
        records = self.kafka.logs[partition][place.position : place.position + room]
        start = place.position
        place.position += len(records)
        return [_delivery(record, partition, start + n, place.assignment) for n, record in enumerate(records)]


def _delivery(record: Record, partition: Partition, offset: int, assignment: int) -> Delivery:
    return Delivery(
        topic=record.topic,
        partition=partition[1],
        offset=offset,
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
        assignment=assignment,
    )
