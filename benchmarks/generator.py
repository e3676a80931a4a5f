"""Sends requests from a process of its own: cheap, because it shares the machine with what it measures.

Requests are made of parts that were encoded before; of an answer only the status line, the length and the order's id
are read. Closed loop: each connection sends its next request when it has its answer. Open loop: each request has its
moment, whatever became of the earlier ones, and its latency counts from that moment. Paced: as open, but a moment at
which no connection is free goes by unused, for loads whose rate somebody steers.

Started as `python -m benchmarks.generator`; the plan is the first line on stdin, later lines are new rates (open loop).
Tells `begin` and `end` of what it measures on stdout, then the outcome.
"""

import os
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final, Literal

import msgspec

HOST: Final = "127.0.0.1"
MOST_CONNECTIONS: Final = 512
PATIENCE: Final = 15.0
STEP: Final = 0.5
ID: Final = b'"id":"'


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`rate`: requests per second, open loop. `warm` seconds go by before anything counts. Orders take the tokens and
    flights in turn, reads the `paths`, each with the number of its token. `ids`: the file to which each accepted
    order is written with the moment it was due.
    """

    port: int
    loop: Literal["closed", "open", "paced"]
    seconds: float
    tokens: list[str]
    connections: int = 64
    rate: float = 0
    warm: float = 1.0
    run: str = ""
    flights: list[str] = []
    paths: list[tuple[int, str]] = []
    ids: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds. `rate`: answers per second of the measured time; `late`: how late it sent, 99th percentile."""

    seconds: float
    rate: float
    answers: dict[int, int]
    p50: float
    p99: float
    most: float
    late: float

    @property
    def good(self) -> int:
        return sum(count for status, count in self.answers.items() if 200 <= status < 300)

    @property
    def bad(self) -> dict[int, int]:
        """By status; 0: no answer."""
        return {status: count for status, count in self.answers.items() if not 200 <= status < 300}


class Connection:
    __slots__ = ("busy", "due", "fd", "received", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = self.socket.fileno()
        self.received = b""
        self.due = 0.0
        self.busy = False


def orders(plan: Plan) -> Callable[[int], bytes]:
    """Of the number of a request its bytes. Customers change from one to the next, flights at random."""
    heads = [
        f"POST /orders HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {plan.run}-".encode()
        for token in plan.tokens
    ]
    bodies = [f'{{"items":[{{"flight_id":"{flight}","seats":1}}],"payment_method":"pm_ok"}}' for flight in plan.flights]
    tails = [f"\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode() for body in bodies]
    customers, chance = len(heads), Random(plan.run)
    drawn = [chance.choice(tails) for _ in range(10_007)]
    return lambda number: heads[number % customers] + b"%d" % number + drawn[number % 10_007]


def reads(plan: Plan) -> Callable[[int], bytes]:
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {plan.tokens[owner]}\r\n\r\n".encode()
        for owner, path in plan.paths
    ]
    return lambda number: requests[number % len(requests)]


class Generator:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.make = reads(plan) if plan.paths else orders(plan)
        self.poll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.free: list[Connection] = []
        self.number = 0
        self.rate = plan.rate
        self.begin = self.end = 0.0
        self.taken: list[float] = []
        self.late: list[float] = []
        self.answers: Counter[int] = Counter()
        self.waiting: deque[float] = deque()
        self.broken = 0
        self.accepted: list[tuple[bytes, float]] = []

    def run(self) -> Outcome:
        for _ in range(self.plan.connections):
            self.free.append(self.connect())
        start = time.perf_counter()
        self.begin = start + self.plan.warm
        self.end = self.begin + self.plan.seconds
        (self.closed if self.plan.loop == "closed" else self.open)(start)
        if self.plan.ids:
            self.keep_ids()
        return self.outcome()

    def closed(self, start: float) -> None:
        for connection in self.free:
            self.send(connection, start)
        self.free = []
        self.phases(self.look_and_go_on)

    def look_and_go_on(self, now: float) -> None:
        for _ in range(self.broken):
            self.send(self.connect(), now)
        self.broken = 0
        for connection in self.look(STEP):
            self.send(connection, time.perf_counter())

    def open(self, start: float) -> None:
        if not sys.stdin.closed:
            os.set_blocking(sys.stdin.fileno(), False)
            self.poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self.due = start
        self.phases(self.send_due_and_look)

    def send_due_and_look(self, now: float) -> None:
        while self.due <= now:
            self.waiting.append(self.due)
            self.due += 1 / self.rate
        while self.waiting and (connection := self.one_free()):
            due = self.waiting.popleft()
            if self.begin <= due:
                self.late.append(time.perf_counter() - due)
            self.send(connection, due)
        if self.plan.loop == "paced":
            self.waiting.clear()
        pause = min(max(self.due - time.perf_counter(), 0), STEP)
        self.free.extend(self.look(pause))

    def phases(self, step: Callable[[float], None]) -> None:
        """Warm, measured, then what is still under way is waited for."""
        while (now := time.perf_counter()) < self.begin:
            step(now)
        tell("begin")
        while (now := time.perf_counter()) < self.end:
            step(now)
        tell("end")
        while len(self.free) < len(self.connections) and time.perf_counter() < self.end + PATIENCE:
            self.free.extend(self.look(STEP))

    def one_free(self) -> Connection | None:
        if self.free:
            return self.free.pop()
        most = MOST_CONNECTIONS if self.plan.loop == "open" else self.plan.connections
        return self.connect() if len(self.connections) < most else None

    def connect(self) -> Connection:
        connection = Connection(self.plan.port)
        self.connections[connection.fd] = connection
        self.poll.register(connection.fd, select.EPOLLIN)
        return connection

    def send(self, connection: Connection, due: float) -> None:
        connection.due = due
        connection.busy = True
        request = self.make(self.number)
        self.number += 1
        try:
            connection.socket.sendall(request)
        except OSError:
            self.lost(connection)

    def look(self, seconds: float) -> list[Connection]:
        """Those that have their answer now."""
        done: list[Connection] = []
        for fd, _ in self.poll.poll(seconds):
            connection = self.connections.get(fd)
            if connection is None:
                self.hear()
            elif self.receive(connection):
                connection.busy = False
                done.append(connection)
        return done

    def receive(self, connection: Connection) -> bool:
        """True when the answer is whole."""
        try:
            chunk = connection.socket.recv(262_144)
        except OSError:
            chunk = b""
        if not chunk:
            self.lost(connection)
            return False
        data = connection.received + chunk
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + length(data, head):
            connection.received = data
            return False
        connection.received = b""
        self.count(connection.due, int(data[9:12]), data)
        return True

    def count(self, due: float, status: int, data: bytes) -> None:
        now = time.perf_counter()
        # A closed loop counts what is answered in the measured time, an open one what was due in it.
        moment = now if self.plan.loop == "closed" else due
        if self.begin <= moment < self.end:
            self.taken.append(now - due)
            self.answers[status] += 1
        if self.plan.ids and status == 201:
            place = data.find(ID) + len(ID)
            self.accepted.append((data[place : place + 36], due))

    def lost(self, connection: Connection) -> None:
        """Servers close what is idle for long; that is no lost answer."""
        self.poll.unregister(connection.fd)
        del self.connections[connection.fd]
        connection.socket.close()
        if connection.busy:
            self.answers[0] += 1
            self.broken += 1
        else:
            self.free.remove(connection)

    def hear(self) -> None:
        """A new rate; it holds from now on."""
        try:
            lines = os.read(sys.stdin.fileno(), 65_536).split()
        except BlockingIOError:
            return
        if not lines:
            self.poll.unregister(sys.stdin.fileno())
            return
        # A next moment that a low rate has put far ahead must not keep a higher one from beginning.
        self.rate = max(float(lines[-1]), 0.1)
        self.due = min(self.due, time.perf_counter() + 1 / self.rate)

    def keep_ids(self) -> None:
        to_wall = time.time() - time.perf_counter()
        lines = (b"%s %.6f\n" % (order_id, due + to_wall) for order_id, due in self.accepted)
        Path(self.plan.ids).write_bytes(b"".join(lines))

    def outcome(self) -> Outcome:
        taken, late = sorted(self.taken), sorted(self.late)
        return Outcome(
            seconds=self.plan.seconds,
            rate=sum(self.answers.values()) / self.plan.seconds,
            answers=dict(self.answers),
            p50=share(taken, 0.5),
            p99=share(taken, 0.99),
            most=share(taken, 1),
            late=share(late, 0.99),
        )


def length(data: bytes, head: int) -> int:
    at = data.find(b"content-length: ", 0, head)
    return int(data[at + 16 : data.find(b"\r", at)]) if at >= 0 else 0


def share(ordered: list[float], part: float) -> float:
    """Nearest rank, in milliseconds."""
    return round(ordered[max(0, int(len(ordered) * part + 0.999999) - 1)] * 1000, 2) if ordered else 0.0


def first_line(fd: int) -> bytes:
    """Past Python's buffers: later lines are for the loop. A rate that came along with the first line is lost; another
    one follows.
    """
    read = b""
    while b"\n" not in read and (chunk := os.read(fd, 1 << 20)):
        read += chunk
    return read.partition(b"\n")[0]


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    plan = msgspec.json.decode(first_line(sys.stdin.fileno()), type=Plan)
    tell(msgspec.json.encode(Generator(plan).run()).decode())


if __name__ == "__main__":
    main()
