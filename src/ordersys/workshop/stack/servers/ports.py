"""Ports on the loopback: the usual one when nobody has it, else a free one outside the range of outgoing connections.

A server on a port of the outgoing range may find it taken by a client's own socket when it comes back after a crash; a
client that keeps trying such a port can even connect to itself and hold it.
"""

import random
import socket
from collections.abc import Collection
from pathlib import Path

from ordersys.workshop.stack.servers.errors import EmbeddedError

HOST = "127.0.0.1"
_LOWEST = 15_000
_HIGHEST = 32_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 500


def is_free(port: int) -> bool:
    """Nobody listens on it, on the loopback or on all addresses.

    Only bound: a look that listens makes the port taken for another look, and a program that is just being started
    holds on to a copy of the socket for a moment after it is closed here.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free(port: int) -> None:
    """Before a start: whoever else listens there would answer our probes in the server's place."""
    if not is_free(port):
        raise EmbeddedError(f"port {port} is taken by another program")


def choose(wanted: Collection[int], taken: Collection[int] = ()) -> int:
    """The first of the wanted ports that is free and not in `taken`, else any free one."""
    for port in wanted:
        if port not in taken and is_free(port):
            return port
    for _ in range(_TRIES):
        port = random.randrange(_LOWEST, _below_outgoing())
        if port not in taken and is_free(port):
            return port
    with socket.socket() as any_port:
        any_port.bind((HOST, 0))
        return int(any_port.getsockname()[1])


def _below_outgoing() -> int:
    try:
        lowest_outgoing = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return _HIGHEST
    return lowest_outgoing if lowest_outgoing > _LOWEST + _TRIES else _HIGHEST
