"""Runs a ceiling as a process of its own, as the product's roles are."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.servers import ROOT

PGBENCH_SCRIPT = """\
WITH o AS (
    INSERT INTO orders (id, customer_id, status, payment_method, total_amount, currency, created_at, updated_at)
    VALUES (uuidv7(), 'customer-1', 'CREATED', 'pm_ok', 540000, 'RUB', now(), now()) RETURNING id
)
INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, occurred_at)
SELECT uuidv7(), 'orders', id, 'ordersys.OrderCreated.v1', repeat('x', 290), '{}', 0, now() FROM o;
"""


def python(module: str, *arguments: object) -> Mapping[str, Any]:
    """What `python -m module arguments` answers as JSON on its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    answer: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def pgbench(dsn: str, folder: Path, seconds: float) -> float | None:
    """Orders per second of pgbench with 32 clients; None where there is no pgbench."""
    program = _pgbench()
    if program is None:
        return None
    script, where = folder / "pgbench.sql", urlsplit(dsn)
    script.write_text(PGBENCH_SCRIPT)
    command = [program, "-n", "-M", "prepared", "-c", "32", "-T", str(max(round(seconds), 3)), "-f", str(script)]
    place = ["-h", str(where.hostname), "-p", str(where.port), "-U", str(where.username), where.path[1:]]
    done = subprocess.run(
        [*command, *place],
        env={**os.environ, "PGPASSWORD": str(where.password)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def _pgbench() -> str | None:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return shutil.which("pgbench") or (str(debian[-1]) if debian else None)
