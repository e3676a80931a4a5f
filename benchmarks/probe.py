"""How long an event takes from its commit to a consumer: writes events one by one at a rate, and listens to the topic.

`python -m benchmarks.probe DSN SERVERS TOPIC RATE SECONDS`; tells `begin` and `end`, then JSON.
"""

import asyncio
import json
import sys
import time
import uuid
from threading import Event, Thread
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from confluent_kafka import Consumer

from benchmarks.generator import share, tell
from benchmarks.outbox import EVENTS
from ordersys.cli.frame import complete

WARM: Final = 1.0
RETURNING: Final = EVENTS + " RETURNING event_id"
PATIENCE: Final = 10.0


class Listener(Thread):
    """Notes when each event came, by its id."""

    def __init__(self, servers: str, topic: str) -> None:
        super().__init__(daemon=True)
        self.came: dict[str, float] = {}
        self.assigned, self.stopping = Event(), Event()
        self._consumer = Consumer({
            "bootstrap.servers": servers,
            "group.id": f"probe-{uuid.uuid4()}",
            "auto.offset.reset": "latest",
            "enable.auto.commit": False,
        })  # fmt: skip
        self._consumer.subscribe([topic], on_assign=lambda *_: self.assigned.set())

    def run(self) -> None:
        while not self.stopping.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            now = time.perf_counter()
            self.came[str(dict(message.headers() or [])["ce_id"], "ascii")] = now  # type: ignore[arg-type]  # bytes
        self._consumer.close()


async def probe(dsn: str, *, rate: float, seconds: float) -> dict[str, float]:
    """When each event was committed."""
    connection = await asyncpg.connect(dsn)
    statement = await connection.prepare(RETURNING)
    # Its offsets are looked up after the assignment.
    await asyncio.sleep(1)
    start = time.perf_counter()
    begin, end = start + WARM, start + WARM + seconds
    committed: dict[str, float] = {}
    due, told = start, False
    while due < end:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        if not told and due >= begin:
            told = True
            tell("begin")
        event_id = str(await statement.fetchval(1))
        if told:
            committed[event_id] = time.perf_counter()
        due += 1 / rate
    tell("end")
    return committed


def outcome(committed: dict[str, float], listener: Listener) -> dict[str, float]:
    until = time.perf_counter() + PATIENCE
    while not committed.keys() <= listener.came.keys() and time.perf_counter() < until:
        time.sleep(0.05)
    taken = sorted(listener.came[one] - at for one, at in committed.items() if one in listener.came)
    return {
        "events": len(committed),
        "came": len(taken),
        "p50": share(taken, 0.5),
        "p99": share(taken, 0.99),
        "most": share(taken, 1),
    }


def main() -> None:
    dsn, servers, topic, rate, seconds = sys.argv[1:]
    listener = Listener(servers, topic)
    listener.start()
    if not listener.assigned.wait(30):
        sys.exit("the listener was not assigned its partitions")
    found = outcome(complete(probe(dsn, rate=float(rate), seconds=float(seconds))), listener)
    listener.stopping.set()
    listener.join(5)
    tell(json.dumps(found))


if __name__ == "__main__":
    main()
