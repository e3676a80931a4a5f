"""Is a port free? Asked by several threads at once, while programs are being started."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ordersys.workshop.stack.servers import ports
from ordersys.workshop.stack.servers.errors import EmbeddedError


@pytest.fixture
def port() -> int:
    return ports.choose(())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield server


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_somebody_listens_on_is_taken(listener: socket.socket, address: str) -> None:
    listener.bind((address, 0))
    listener.listen()
    port = listener.getsockname()[1]

    assert not ports.is_free(port)
    with pytest.raises(EmbeddedError, match=f"port {port} is taken"):
        ports.require_free(port)


def test_a_look_at_a_port_does_not_make_it_taken_for_another_look(port: int) -> None:
    """A program that is just being started holds copies of our sockets for a moment, so looks overlap."""
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ports.is_free, [port] * 2000))

    assert all(answers)
