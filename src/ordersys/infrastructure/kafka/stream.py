"""KafkaStream: one member of a consumer group under asyncio.

All calls of the client, its callbacks included, are made in one thread of its own. Offsets are committed a few times
a second without waiting while things go well, and with waiting before a partition is given away. A batch that nobody
took, because the waiting task was cancelled, is handed out by the next fetch.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final, cast
from zlib import crc32

import structlog
from confluent_kafka import OFFSET_STORED, Consumer, KafkaError, KafkaException, Message, TopicPartition

from ordersys.config import KafkaSettings
from ordersys.infrastructure.kafka.assignment import Assignments, Partition
from ordersys.infrastructure.kafka.client import STATISTICS_SECONDS, Link, client_config, fatal, library_log
from ordersys.infrastructure.kafka.single_thread_executor import SingleThreadExecutor
from ordersys.infrastructure.kafka.workarounds import Membership, headers_of
from ordersys.messaging.envelope import Delivery

log = structlog.get_logger()

FETCH_SECONDS: Final = 0.5
HOLD_SECONDS: Final = 0.1
HEARTBEAT_SECONDS: Final = 0.5
MAX_POLL_SECONDS: Final = 60.0
# Each commit is a record that the broker writes. What a crash leaves unsaved comes again, and the inbox knows it.
SAVE_SECONDS: Final = 0.2
RECOMMIT_SECONDS: Final = 1.0
_NO_PARTITIONS: Final[Mapping[str, Any]] = {"partitions": {}}


class MemberLost(RuntimeError):
    """The group has let this member go for good, as when another process uses its instance id, or does not let it in:
    start again.
    """


class KafkaStream:
    """The Stream port. `topics` are full names; `instance` is this process's stable name, used for static membership.

    Longer than `max_poll_seconds` between two calls of fetch() or hold() costs the member its partitions.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        group: str,
        topics: Sequence[str],
        instance: str,
        max_poll_seconds: float = MAX_POLL_SECONDS,
    ) -> None:
        self._batch_size = kafka.batch_size
        self._link = Link(f"{group} consumer")
        self._membership = Membership(group)
        self._owned = Assignments()
        self._fetched: list[Delivery] = []
        self._lag: Mapping[Partition, int] = {}
        self._held = False
        self._closed = False
        self._fatal = ""
        self._save_at: float | None = None
        callbacks = {"error_cb": self._on_error, "stats_cb": self._on_statistics, "on_commit": self._on_commit}
        config = _consumer_config(kafka, group, instance, max_poll_seconds)
        if kafka.static_membership:
            config["group.instance.id"] = static_name(group, instance, topics)
        self._consumer = Consumer(config | callbacks, logger=library_log)
        self._consumer.subscribe(list(topics), self._on_assign, self._on_revoke, self._on_lost)
        self._executor = SingleThreadExecutor(f"kafka-{group}")

    @property
    def connected(self) -> bool:
        """Whether a broker has been reached and not lost since."""
        return self._link.connected

    @property
    def partitions(self) -> int:
        """How many partitions this member owns."""
        return len(self._owned)

    def lag(self) -> Mapping[Partition, int]:
        """Records behind the end of each owned partition, about a second old."""
        return self._lag

    async def fetch(self) -> Sequence[Delivery]:
        await self._executor.run(self._fetch)
        fetched, self._fetched = self._fetched, []
        return [delivery for delivery in fetched if self._owned.owns(delivery)]

    async def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Not in the lane: it only notes how far we are, and a later fetch, or the end, saves it."""
        self._owned.mark(deliveries)
        if self._save_at is None:
            self._save_at = monotonic() + SAVE_SECONDS

    async def hold(self) -> None:
        await self._executor.run(self._hold)

    def owns(self, delivery: Delivery) -> bool:
        return self._owned.owns(delivery)

    async def close(self, deadline: float = 5.0) -> None:
        """Saves the offsets and leaves the group (a static member keeps its place in it)."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.wait_for(self._executor.run(self._leave), deadline)
        except TimeoutError:
            log.warning("kafka consumer did not close in time", action="kafka.close_late")
        finally:
            self._executor.end()

    def _fetch(self) -> None:
        if self._fetched:
            return
        if self._held:
            self._held = False
            self._consumer.assign(self._where_we_are())
        self._save_if_due()
        self._receive(FETCH_SECONDS)

    def _hold(self) -> None:
        """Stays in the group and reads nothing: without an assignment, and not paused (see workarounds)."""
        if not self._held:
            self._held = True
            self._consumer.assign([])
        self._receive(HOLD_SECONDS)

    def _where_we_are(self) -> list[TopicPartition]:
        """Behind the last record that came; where none has come, at what is committed."""
        return [
            TopicPartition(topic, number, OFFSET_STORED if offset < 0 else offset)
            for (topic, number), offset in self._owned.taken().items()
        ]

    def _receive(self, wait: float) -> None:
        """Waits for the first record alone: consume() would wait until the batch is full or the time is up."""
        first = self._consumer.poll(wait)
        if first is not None:
            rest = self._consumer.consume(self._batch_size - 1, timeout=0) if self._batch_size > 1 else []
            for message in (first, *rest):
                self._accept(message)
        if self._fatal:
            raise MemberLost(self._fatal)

    def _accept(self, message: Message) -> None:
        error = message.error()
        if error:
            self._on_error(error)
            return
        number = self._owned.take(_place(message), cast(int, message.offset()))
        if number is not None:
            self._fetched.append(_delivery(message, number))

    def _save(self, *, wait: bool) -> None:
        offsets = [TopicPartition(topic, number, end) for (topic, number), end in self._owned.unsaved().items()]
        if not offsets:
            return
        try:
            if wait:
                self._on_commit(None, self._consumer.commit(offsets=offsets, asynchronous=False))
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as failed:
            self._on_commit(failed.args[0], [])

    def _save_if_due(self) -> None:
        if self._save_at is not None and monotonic() >= self._save_at:
            self._save_at = None
            self._save(wait=False)

    def _leave(self) -> None:
        if not self._link.away:
            self._save(wait=True)
        self._consumer.close()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._link.seen()
        # Whoever holds has nothing that could be revoked, and is not told that it was.
        self._owned.replace(_keys(partitions))
        consumer.assign([] if self._held else partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Before the partitions have a new owner. librdkafka unassigns them afterwards."""
        if not self._link.away:
            self._save(wait=True)
        self._owned.remove(_keys(partitions))

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """They may have a new owner already: nothing can be saved."""
        self._owned.remove(_keys(partitions))
        log.warning("kafka partitions lost", action="kafka.partitions_lost", partitions=len(partitions))

    def _on_commit(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            error = error or partition.error
            if not partition.error:
                self._owned.saved((partition.topic, partition.partition), partition.offset)
        if error:
            self._save_at = monotonic() + RECOMMIT_SECONDS
            self._on_error(error)

    def _on_error(self, error: KafkaError) -> None:
        if fatal(error):
            self._fatal = error.str()
        else:
            self._link.on_error(error)

    def _on_statistics(self, text: str) -> None:
        statistics = self._link.on_statistics(text)
        self._fatal = self._fatal or self._membership.seen(statistics, now=monotonic())
        topics = statistics["topics"]
        self._lag = {
            (topic, number): _behind(topics[topic]["partitions"][str(number)])
            for topic, number in self._owned.partitions()
            if str(number) in topics.get(topic, _NO_PARTITIONS)["partitions"]
        }


def static_name(group: str, instance: str, topics: Iterable[str]) -> str:
    """Another one for other topics, as after an update: a group gives a name that it knows what it had before, without
    a look at what it subscribes to now, and the new topic would have no reader.
    """
    return f"{group}-{instance}-{crc32(' '.join(sorted(topics)).encode()):08x}"


def _consumer_config(kafka: KafkaSettings, group: str, instance: str, max_poll_seconds: float) -> dict[str, Any]:
    session = kafka.session_timeout_seconds
    return client_config(kafka) | {
        "client.id": instance or group,
        "group.id": group,
        "group.protocol": "classic",
        # In one step. A cooperative rebalance takes two, and a static member that dies between them comes back to what
        # the first left it: the partitions that were on their way then belong to nobody, without an end (ADR 0006).
        "partition.assignment.strategy": "range",
        "session.timeout.ms": int(session * 1000),
        # Members hear of a rebalance with a heartbeat: a third of the session would make them wait for seconds.
        "heartbeat.interval.ms": int(min(session / 3, HEARTBEAT_SECONDS) * 1000),
        "max.poll.interval.ms": int(max(max_poll_seconds, session) * 1000),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        # A partition that is resumed or newly assigned waits for the fetch under way to come back.
        "fetch.wait.max.ms": 100,
        "fetch.error.backoff.ms": 50,
        "fetch.queue.backoff.ms": 10,
        "queued.min.messages": kafka.batch_size * 4,
        "topic.metadata.refresh.interval.ms": 30_000,
        "statistics.interval.ms": int(STATISTICS_SECONDS * 1000),
    }


def _keys(partitions: Iterable[TopicPartition]) -> list[Partition]:
    return [(partition.topic, partition.partition) for partition in partitions]


def _place(message: Message) -> Partition:
    return cast(str, message.topic()), cast(int, message.partition())


def _delivery(message: Message, assignment: int) -> Delivery:
    topic, partition = _place(message)
    return Delivery(
        topic=topic,
        partition=partition,
        offset=cast(int, message.offset()),
        key=message.key(),
        value=message.value(),
        headers=headers_of(message),
        assignment=assignment,
    )


def _behind(partition: Mapping[str, int]) -> int:
    """From the end back to what is committed, else (nothing ever was) to the beginning."""
    known = (partition[name] for name in ("committed_offset", "lo_offset"))
    position = next((offset for offset in known if offset >= 0), partition["hi_offset"])
    return max(partition["hi_offset"] - position, 0)
