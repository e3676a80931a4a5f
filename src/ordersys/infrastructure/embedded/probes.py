"""Does it answer? Asked in each server's own protocol over a plain socket, because the drivers live elsewhere."""

import http.client
import socket
import struct

from ordersys.infrastructure.embedded.ports import HOST

_PG_VERSION_3 = 196_608
_KAFKA_METADATA = 3
_KAFKA_METADATA_VERSION = 1
_KAFKA_CORRELATION = 7


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
    return _ask(port, b"*1\r\n$4\r\nPING\r\n", 7, timeout) == b"+PONG\r\n"


def kafka_answers(port: int, timeout: float = 1.0) -> bool:
    """The broker lists itself in its metadata: it is registered, unfenced and takes requests."""
    client = b"probe"
    head = struct.pack(">hhih", _KAFKA_METADATA, _KAFKA_METADATA_VERSION, _KAFKA_CORRELATION, len(client)) + client
    request = head + struct.pack(">i", 0)
    answer = _ask(port, struct.pack(">i", len(request)) + request, 12, timeout)[:12]
    if len(answer) < 12:
        return False
    _, correlation, brokers = struct.unpack(">iii", answer)
    return bool(correlation == _KAFKA_CORRELATION and brokers > 0)


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
