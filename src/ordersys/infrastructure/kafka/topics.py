"""Creates the four topics if they are missing, and sets their retention.

The number of partitions is never changed: more partitions would move keys to other partitions.
"""

import asyncio
from concurrent.futures import TimeoutError as Late
from datetime import timedelta
from time import monotonic
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from ordersys.config import KafkaSettings, Settings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.kafka.client import ALL_BROKERS_DOWN, client_config, library_log, topic_name
from ordersys.messaging.topics import DEAD_LETTERS, STREAMS

log = structlog.get_logger()

RETENTION: Final = "retention.ms"
ATTEMPT_SECONDS: Final = 3.0
PAUSE_SECONDS: Final = 0.2


async def ensure(settings: Settings, *, deadline: float = 30.0) -> None:
    """Returns when all topics exist. Raises Unavailable, with the last problem, after `deadline` seconds."""
    maker = _TopicMaker(settings.kafka, timedelta(days=settings.retention.topic_days))
    until = monotonic() + deadline
    while problem := await asyncio.to_thread(maker.attempt):
        if monotonic() > until:
            raise Unavailable("kafka", problem)
        await asyncio.sleep(PAUSE_SECONDS)


class _TopicMaker:
    def __init__(self, kafka: KafkaSettings, kept: timedelta) -> None:
        self._wanted = _wanted(kafka)
        self._retention = str(kept // timedelta(milliseconds=1))
        self._last_error = ""
        self._admin = AdminClient(client_config(kafka) | {"error_cb": self._on_error}, logger=library_log)

    def attempt(self) -> str:
        """Returns the problem, or "" if all topics exist. No error is final: a starting cluster reports many."""
        try:
            problem = self._create()
            if not problem:
                self._compare()
                self._keep()
        except KafkaException as failed:
            return self._explain(failed.args[0].str())
        return problem

    def _create(self) -> str:
        creations = self._admin.create_topics(
            list(self._wanted.values()), request_timeout=ATTEMPT_SECONDS, operation_timeout=ATTEMPT_SECONDS
        )
        for topic, created in creations.items():
            try:
                created.result(ATTEMPT_SECONDS + 1)
            except KafkaException as failed:
                if failed.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    return self._explain(f"Cannot create topic {topic}: {failed.args[0].str()}")
            except Late:
                return self._explain(f"Cannot create topic {topic}: no response.")
        return ""

    def _compare(self) -> None:
        found = self._admin.list_topics(timeout=ATTEMPT_SECONDS).topics
        for name, wanted in self._wanted.items():
            count = len(found[name].partitions) if name in found else wanted.num_partitions
            if count != wanted.num_partitions:
                log.warning(
                    "topic %s has %d partitions; the configuration expects %d",
                    name,
                    count,
                    wanted.num_partitions,
                    action="kafka.partitions_differ",
                )

    def _keep(self) -> None:
        """Sets the retention, also of existing topics: the inbox must keep events longer than the topics do. If that is
        not permitted, it logs a warning and continues.
        """
        entry = ConfigEntry(RETENTION, self._retention, incremental_operation=AlterConfigOpType.SET)
        wanted = [ConfigResource(ConfigResource.Type.TOPIC, n, incremental_configs=[entry]) for n in self._wanted]
        for topic, kept in self._admin.incremental_alter_configs(wanted, request_timeout=ATTEMPT_SECONDS).items():
            try:
                kept.result(ATTEMPT_SECONDS + 1)
            except (KafkaException, Late) as failed:
                log.warning(
                    "cannot set the retention of topic %s", topic.name, action="kafka.retention", exc_info=failed
                )

    def _explain(self, problem: str) -> str:
        self._admin.poll(0)  # runs pending callbacks
        return f"{problem} ({self._last_error})" if self._last_error else problem

    def _on_error(self, error: KafkaError) -> None:
        """Keeps the reason behind a timeout: a refused connection, a wrong password."""
        if error.code() != ALL_BROKERS_DOWN:
            self._last_error = error.str()


def _wanted(kafka: KafkaSettings) -> dict[str, NewTopic]:
    names = {topic_name(kafka, stream): 1 if stream == DEAD_LETTERS else kafka.partitions for stream in STREAMS}
    return {
        name: NewTopic(name, num_partitions=count, replication_factor=kafka.replication_factor)
        for name, count in names.items()
    }
