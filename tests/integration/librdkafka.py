"""librdkafka without its Python face, from the client's own wheel: its mock cluster, which fails on cue, and records
that the Python client would not let us write.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka
import pytest

PRODUCER = 0
PRODUCE, OFFSET_COMMIT = 0, 8  # API keys
TOPIC, VALUE, KEY, HEADER, END = 1, 4, 5, 9, 0  # rd_kafka_vtype_t


@dataclass(frozen=True, slots=True, kw_only=True)
class MockCluster:
    library: ctypes.CDLL
    cluster: int

    @property
    def bootstrap_servers(self) -> str:
        answer: bytes = self.library.rd_kafka_mock_cluster_bootstraps(ctypes.c_void_p(self.cluster))
        return answer.decode()

    def add_topic(self, name: str, partitions: int = 1) -> None:
        create = self.library.rd_kafka_mock_topic_create
        assert create(ctypes.c_void_p(self.cluster), name.encode(), partitions, 1) == 0

    def fail_next(self, api: int, *errors: int) -> None:
        """The next requests of this kind are answered with these errors, one each."""
        codes = (ctypes.c_int * len(errors))(*errors)
        push = self.library.rd_kafka_mock_push_request_errors_array
        push(ctypes.c_void_p(self.cluster), ctypes.c_int16(api), ctypes.c_size_t(len(errors)), codes)


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    library = _library()
    with _producer(library, "") as handle:
        cluster = library.rd_kafka_mock_cluster_new(ctypes.c_void_p(handle), 1)
        try:
            yield MockCluster(library=library, cluster=cluster)
        finally:
            library.rd_kafka_mock_cluster_destroy(ctypes.c_void_p(cluster))


def produce(bootstrap_servers: str, topic: str, value: bytes, header: bytes) -> None:
    """A record with a header whose name is any bytes."""
    library = _library()
    with _producer(library, bootstrap_servers) as handle:
        topic_part = (TOPIC, ctypes.c_char_p(topic.encode()))
        value_part = (VALUE, ctypes.c_char_p(value), ctypes.c_size_t(len(value)))
        header_part = (HEADER, ctypes.c_char_p(header), ctypes.c_char_p(b"x"), ctypes.c_ssize_t(1))
        parts = (*topic_part, *value_part, *header_part, END)
        assert library.rd_kafka_producev(ctypes.c_void_p(handle), *parts) == 0
        assert library.rd_kafka_flush(ctypes.c_void_p(handle), 10_000) == 0


@contextmanager
def _producer(library: ctypes.CDLL, bootstrap_servers: str) -> Iterator[int]:
    error = ctypes.create_string_buffer(512)
    config = ctypes.c_void_p(library.rd_kafka_conf_new())
    assert library.rd_kafka_conf_set(config, b"log_level", b"3", error, ctypes.c_size_t(512)) == 0
    if bootstrap_servers:
        servers = bootstrap_servers.encode()
        assert library.rd_kafka_conf_set(config, b"bootstrap.servers", servers, error, ctypes.c_size_t(512)) == 0
    handle: int = library.rd_kafka_new(PRODUCER, config, error, ctypes.c_size_t(512))
    assert handle, error.value
    try:
        yield handle
    finally:
        library.rd_kafka_destroy(ctypes.c_void_p(handle))


def _library() -> ctypes.CDLL:
    found = sorted(Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka*.so*"))
    if not found:
        pytest.skip("the client's wheel carries no librdkafka of its own here")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library
