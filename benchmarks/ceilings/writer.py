"""How fast one process can write durable orders when it does nothing else: one statement each, prepared, 8 connections.

The order and its event in one data-modifying statement (autocommit); 64 tasks share the connections.
`python -m benchmarks.ceilings.writer DSN SECONDS`; answers JSON.
"""

import asyncio
import json
import sys
import time
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
import uuid_utils.compat

from ordersys.cli.frame import complete

CONNECTIONS: Final = 8
TASKS: Final = 64
WARM: Final = 1.0
PAYLOAD: Final = (
    '{"customer_id":"customer-1","items":[{"flight_id":"x","seats":1}],"payment_method":"pm_ok"}' + " " * 200
)
WRITE: Final = """
    WITH o AS (
        INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
        VALUES ($1, $2, 'CREATED', 'pm_ok', 540000, 'RUB', now(), now()) RETURNING id
    )
    INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
    SELECT $3, 'orders', id, 'ordersys.OrderCreated.v1', $4, '{}', 0, now() FROM o
"""


class Writer:
    def __init__(self) -> None:
        self.free: asyncio.Queue[Any] = asyncio.Queue()
        self.taken: list[float] = []

    async def run(self, dsn: str, seconds: float) -> dict[str, float]:
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(dsn)
            self.free.put_nowait(await connection.prepare(WRITE))
        begin = time.perf_counter() + WARM
        await asyncio.gather(*(self.write(begin, begin + seconds) for _ in range(TASKS)))
        ordered = sorted(self.taken)
        return {
            "rate": len(ordered) / seconds,
            "p50": ordered[len(ordered) // 2] * 1000,
            "p99": ordered[int(len(ordered) * 0.99)] * 1000,
        }

    async def write(self, begin: float, end: float) -> None:
        while (began := time.perf_counter()) < end:
            statement = await self.free.get()
            new = uuid_utils.compat.uuid7
            await statement.fetch(new(), "customer-1", new(), PAYLOAD)
            self.free.put_nowait(statement)
            if began >= begin:
                self.taken.append(time.perf_counter() - began)


def main() -> None:
    dsn, seconds = sys.argv[1], float(sys.argv[2])
    print(json.dumps(complete(Writer().run(dsn, seconds))))


if __name__ == "__main__":
    main()
