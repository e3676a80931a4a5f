"""Does a server answer? Each probe speaks the server's own protocol over a plain socket.

Probes run every 20 to 50 ms during a start and once a second later. The installed drivers were measured for the same
job (CPU per probe, on 2 cores; all three also add 170 ms and 9 MB of imports to the supervisor):

    PostgreSQL  0.2 ms   asyncpg.connect          3.1 ms; logs in, so it needs the password and a free connection
    Valkey      0.04 ms  redis.Redis().ping()     1.3 ms
    Kafka       0.2 ms   AdminClient.list_topics  2.5 ms, takes 54 ms, and 1 s at a port that refuses the connection

Nor can a driver say what two of the probes look for: `postgres_breathes` accepts a server that refuses logins, and
librdkafka repeats the request whose refusal `kafka_coordinates` counts.
"""

import http.client
import socket
import struct
from collections.abc import Sequence

from ordersys.workshop.stack.servers.ports import HOST

_PG_VERSION_3 = 196_608
_KAFKA_METADATA = 3
_KAFKA_METADATA_VERSION = 1
_KAFKA_DESCRIBE_GROUPS = 15
_KAFKA_DESCRIBE_GROUPS_VERSION = 0
_KAFKA_CORRELATION = 7
_KAFKA_NOT_COORDINATOR = 16
# Neighbours by Java's hash: one for each of the four partitions that groups are kept in. No such group exists.
_NO_GROUPS = (b"probe-a", b"probe-b", b"probe-c", b"probe-d")


def postgres_accepts(port: int, user: str, timeout: float = 1.0) -> bool:
    """The server asks for the password: it is up and takes logins (not starting, recovering or stopping)."""
    return _postgres_greeting(port, user, timeout)[:1] == b"R"


def postgres_breathes(port: int, user: str, timeout: float = 1.0) -> bool:
    """The server gives any answer of its protocol, also "still recovering" or "too many clients"."""
    return _postgres_greeting(port, user, timeout)[:1] in (b"R", b"E")


def _postgres_greeting(port: int, user: str, timeout: float) -> bytes:
    names = b"user\0" + user.encode() + b"\0database\0postgres\0\0"
    startup = struct.pack(">ii", len(names) + 8, _PG_VERSION_3) + names
    return _ask(port, startup, 9, timeout)


def valkey_answers(port: int, timeout: float = 1.0) -> bool:
    return _ask(port, b"PING\r\n", 7, timeout) == b"+PONG\r\n"


def kafka_answers(port: int, timeout: float = 1.0) -> bool:
    """The broker lists itself in its metadata: it is registered, unfenced and takes requests."""
    answer = _ask_kafka(port, _KAFKA_METADATA, _KAFKA_METADATA_VERSION, (), timeout)
    return bool(answer) and struct.unpack_from(">i", answer)[0] > 0


def kafka_coordinates(port: int, timeout: float = 1.0) -> bool:
    """False when it coordinates some groups and refuses others, although there is no other broker: it has lost a
    coordinator, and only a new start brings it back. A broker that had no group yet refuses all of them.

    A work-around for Kafka 4.4: a start under load logs "The state machine of the coordinator is out of sync", then "No
    in-memory snapshot", as KAFKA-15910 did (fixed in 3.7). No issue is known for this one. It can be removed, with the
    four partitions of the offsets topic, when a newer broker no longer logs the two lines.
    """
    answer = _ask_kafka(port, _KAFKA_DESCRIBE_GROUPS, _KAFKA_DESCRIBE_GROUPS_VERSION, _NO_GROUPS, timeout)
    try:
        refused = _group_errors(answer).count(_KAFKA_NOT_COORDINATOR)
    except struct.error:
        return True  # no answer, which is for others to judge
    return refused in (0, len(_NO_GROUPS))


def _group_errors(answer: bytes) -> list[int]:
    """Of groups without members: error, name, state, type of protocol, protocol, number of members."""
    at, errors = 4, list[int]()
    for _ in range(struct.unpack_from(">i", answer)[0]):
        errors += struct.unpack_from(">h", answer, at)
        at += 2
        for _ in ("name", "state", "type", "protocol"):
            at += 2 + struct.unpack_from(">h", answer, at)[0]
        at += 4
    return errors


def _ask_kafka(port: int, api: int, version: int, names: Sequence[bytes], timeout: float) -> bytes:
    """Each question is a list of names. Answers what stands behind the correlation id, four bytes at least, or none."""
    client = b"probe"
    request = struct.pack(">hhih", api, version, _KAFKA_CORRELATION, len(client)) + client
    request += struct.pack(">i", len(names)) + b"".join(struct.pack(">h", len(name)) + name for name in names)
    answer = _ask(port, struct.pack(">i", len(request)) + request, 12, timeout)
    if len(answer) < 12 or struct.unpack_from(">i", answer, 4)[0] != _KAFKA_CORRELATION:
        return b""
    return answer[8:]


def http_answers(port: int, path: str, timeout: float = 2.0) -> bool:
    """A GET is answered with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ask(port: int, request: bytes, enough: int, timeout: float) -> bytes:
    """At least `enough` bytes of the answer; fewer, or none, when the server is silent, slow or away."""
    answer = b""
    try:
        with socket.create_connection((HOST, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(request)
            while len(answer) < enough:
                # All that is there: unread bytes make the close a reset, which PostgreSQL writes into its log.
                chunk = connection.recv(4096)
                if not chunk:
                    break
                answer += chunk
    except OSError:
        return b""
    return answer
