"""What every Kafka client of ours has in common: how it connects, and how it tells that the brokers are away."""

import json
import logging
import re
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError

from ordersys.config import KafkaSettings

log = structlog.get_logger()
library_log: Final = logging.getLogger("ordersys.kafka.librdkafka")
"""What librdkafka itself says. Given to each client; heard when the client is polled."""

REPEAT_SECONDS: Final = 60.0
STATISTICS_SECONDS: Final = 1.0
# librdkafka's own errors, as against the broker's, have names with a leading underscore.
ALL_BROKERS_DOWN: Final = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001
INVALID_ARGUMENT: Final = KafkaError._INVALID_ARG  # noqa: SLF001
FATAL: Final = KafkaError._FATAL  # noqa: SLF001
ONE_BROKER_AWAY: Final = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._RESOLVE})  # noqa: SLF001
_NUMBERS: Final = re.compile(r"\d+")


def client_config(kafka: KafkaSettings) -> dict[str, Any]:
    """Servers, security and reconnecting; librdkafka's configuration values are of mixed types by nature."""
    config: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "security.protocol": kafka.security_protocol,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "socket.keepalive.enable": True,
        # librdkafka speaks 60 s of patience by default: a frozen broker would hold a client for that long.
        "socket.timeout.ms": 10_000,
        "log.connection.close": False,
    }
    if kafka.sasl_mechanism:
        config |= {
            "sasl.mechanisms": kafka.sasl_mechanism,
            "sasl.username": kafka.sasl_username,
            "sasl.password": kafka.sasl_password.reveal(),
        }
    return config


def topic_name(kafka: KafkaSettings, stream: str) -> str:
    return kafka.topic_prefix + stream


def slug(error: KafkaError) -> str:
    """The error's name as a short stable word: `msg_timed_out`."""
    return error.name().strip("_").lower()


def fatal(error: KafkaError) -> bool:
    """True when the client can never work again."""
    return error.fatal() or error.code() == FATAL


def reached(statistics: Mapping[str, Any]) -> bool:
    """Whether a broker is, by librdkafka's statistics."""
    return any(broker["nodeid"] >= 0 and broker["state"] == "UP" for broker in statistics["brokers"].values())


class Link:
    """Whether one client reaches the brokers. A change is said once, however often librdkafka repeats itself."""

    def __init__(self, client: str) -> None:
        self._client = client
        self._up: bool | None = None
        self._lost_at = 0.0

    @property
    def connected(self) -> bool:
        return self._up is True

    @property
    def away(self) -> bool:
        """Known to be lost; a link that was not tried yet is neither connected nor away."""
        return self._up is False

    def lost(self, reason: str) -> None:
        if not self.away:
            self._up, self._lost_at = False, monotonic()
            log.warning("kafka lost: %s", reason, action="kafka.lost", client=self._client)

    def seen(self) -> None:
        if self.away:
            seconds = round(monotonic() - self._lost_at, 3)
            log.warning("kafka back", action="kafka.back", client=self._client, seconds=seconds)
        self._up = True

    def on_error(self, error: KafkaError) -> None:
        """librdkafka's error callback. Single brokers come and go; only all of them together are a loss."""
        if error.code() == ALL_BROKERS_DOWN:
            self.lost("no broker can be reached")
        elif error.code() not in ONE_BROKER_AWAY:
            library_log.warning("%s [%s] %s", "ERROR", self._client, error.str())

    def on_statistics(self, text: str) -> Mapping[str, Any]:
        """librdkafka's statistics callback: an idle client learns from it that a broker is there again."""
        statistics: Mapping[str, Any] = json.loads(text)
        if reached(statistics):
            self.seen()
        return statistics


class _Once(logging.Filter):
    """Lets a line through once a minute per client; lines that differ in numbers alone are the same line."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line = _NUMBERS.sub("#", record.getMessage())
        now = monotonic()
        if now - self._said.get(line, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        if len(self._said) > 200:
            self._said.clear()
        self._said[line] = now
        return True


library_log.addFilter(_Once())
