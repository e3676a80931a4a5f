"""The relay without a broker: claim, archive, delete, batch by batch, over one connection.

`python -m benchmarks.ceilings.relay DSN BATCH` empties the outbox; answers JSON.
"""

import json
import sys
import time
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it has no stubs

from ordersys.cli.frame import complete

CLAIM: Final = """
    SELECT id, event_id, aggregatetype, aggregateid, type, payload, headers::text, shard, occurred_at
    FROM outbox ORDER BY id LIMIT $1
"""
ARCHIVE: Final = """
    WITH gone AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING *)
    INSERT INTO outbox_archive (id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at,
        topic, partition, "offset", attempts, published_at)
    SELECT id, event_id, aggregatetype, aggregateid, type, payload, headers, occurred_at,
        'ordersys.orders', 0, 0, 1, now()
    FROM gone
"""


async def drain(dsn: str, batch: int) -> dict[str, float]:
    connection = await asyncpg.connect(dsn)
    claim, archive = await connection.prepare(CLAIM), await connection.prepare(ARCHIVE)
    began, total = time.perf_counter(), 0
    while rows := await claim.fetch(batch):
        await archive.fetch([row["id"] for row in rows])
        total += len(rows)
    seconds = time.perf_counter() - began
    await connection.close()
    return {"rate": total / seconds}


if __name__ == "__main__":
    print(json.dumps(complete(drain(sys.argv[1], int(sys.argv[2])))))
