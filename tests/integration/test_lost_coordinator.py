"""A broker that has lost the coordinator of some groups does not count as ready: only a new start brings it back."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from ordersys.workshop.stack.servers import probes
from tests import servers
from tests.waiting import eventually_blocking

FINE, LOADING, REFUSED = 0, 14, 16  # Kafka's error codes


@contextlib.contextmanager
def says(answer: bytes) -> Iterator[int]:
    """The port of a server that says the same to whoever asks."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        asked = Thread(target=serve)
        asked.start()
        yield server.getsockname()[1]
        asked.join()


def described(*errors: int) -> bytes:
    """DescribeGroups, version 0, of groups that are not there."""
    groups = b"".join(struct.pack(">h", error) + b"\0\7probe-x\0\4Dead" + bytes(8) for error in errors)
    body = struct.pack(">ii", 7, len(errors)) + groups
    return struct.pack(">i", len(body)) + body


@pytest.mark.parametrize(
    ("errors", "coordinates"),
    [
        ((FINE, FINE, FINE, FINE), True),
        ((LOADING, LOADING, FINE, FINE), True),
        ((FINE, FINE, REFUSED, FINE), False),
        ((REFUSED, LOADING, FINE, FINE), False),
        ((REFUSED, REFUSED, REFUSED, REFUSED), True),
    ],
)
def test_a_broker_that_refuses_some_groups_has_lost_a_coordinator(errors: tuple[int, ...], coordinates: bool) -> None:
    with says(described(*errors)) as port:
        assert probes.kafka_coordinates(port) is coordinates


@pytest.mark.parametrize("answer", [b"", described(FINE, FINE, REFUSED, FINE)[:50]])
def test_a_broker_that_does_not_answer_is_not_blamed_for_its_groups(answer: bytes) -> None:
    with says(answer) as port:
        assert probes.kafka_coordinates(port)


def test_a_real_broker_refuses_all_groups_or_none(tmp_path: Path) -> None:
    """All of them before there is one: it has no partitions for groups yet."""
    kafka = servers.kafka(tmp_path)
    port = kafka.server.port
    try:
        kafka.start()
        assert errors(port) == [REFUSED] * 4
        assert kafka.server.ready()

        consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "g"})
        with contextlib.suppress(KafkaException):  # the first question makes the partitions, and may come too early
            consumer.committed([TopicPartition("t", 0)], timeout=10)
        consumer.close()

        eventually_blocking(lambda: errors(port) == [FINE] * 4, within=10)
        assert kafka.server.ready()
    finally:
        kafka.kill()


def errors(port: int) -> list[int]:
    answer = probes._ask_kafka(port, 15, 0, probes._NO_GROUPS, 5.0)  # what the probe goes by
    return probes._group_errors(answer)
