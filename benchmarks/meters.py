"""What a stretch of time has cost: processor time per process, WAL, writing transactions; and how large batches were.

Processor time is read from the system per process tree; what everything else on the machine used is `others`. WAL is
the distance between two insert positions, so it has the full-page images in it that follow a checkpoint. Writing
transactions are those that drew a transaction id.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
import psutil

from benchmarks.database import Database
from benchmarks.servers import Servers
from benchmarks.world import Process

# xmax is the next id to be given out; to ask for it draws none.
POSITION: Final = """
    SELECT pg_current_wal_insert_lsn()::text AS lsn, pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid
"""
# Rows of one transaction have one xmin: how many rows each transaction brought, without asking the product.
BATCHES: Final = {
    "api": ("order_items", "true"),
    "worker": ("outbox_archive", "true"),
    "consumer": ("inbox_events", "consumer = 'order-service'"),
    "payment": ("inbox_events", "consumer = 'payment-service'"),
    "ticket": ("inbox_events", "consumer = 'ticket-service'"),
}
IMAGES: Final = "SELECT sum(fpi_size) FROM pg_get_wal_stats($1::text::pg_lsn, $2::text::pg_lsn)"
WITHIN: Final = "extract(epoch FROM pg_xact_commit_timestamp(xmin)) BETWEEN {since} AND {until}"


def processor_seconds(pid: int) -> float:
    """Of the process and its children, the ended ones included; 0 when it is gone."""
    try:
        root = psutil.Process(pid)
        times = root.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in root.children(recursive=True):
            try:
                spent = child.cpu_times()
            except psutil.Error:
                continue
            total += spent.user + spent.system
    except psutil.Error:
        return 0.0
    return float(total)


def peak_megabytes(pid: int) -> float:
    """The most resident memory so far; where the system does not tell, what it is now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float(psutil.Process(pid).memory_info().rss) / 1e6
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


def machine_seconds() -> float:
    """Processor time of everything on the machine."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + getattr(times, "irq", 0) + getattr(times, "softirq", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    at: float
    cpu: Mapping[str, float]
    machine: float
    lsn: str
    wal: int
    xid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Between two readings. `cpu`: share of one core, by process. `since` and `until` are seconds since 1970."""

    since: float
    until: float
    cpu: Mapping[str, float]
    others: float
    lsns: tuple[str, str]
    wal_bytes: int
    commits: int

    @property
    def seconds(self) -> float:
        return self.until - self.since

    def split(self) -> str:
        shares = {**self.cpu, "others": self.others}
        return ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share >= 0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """Reads the servers and the given processes, over one connection."""

    database: Database
    pids: Mapping[str, int]

    def read(self) -> Reading:
        position = self.database.row(POSITION)
        cpu = {name: processor_seconds(pid) for name, pid in self.pids.items()}
        return Reading(
            at=time.time(),
            cpu=cpu,
            machine=machine_seconds(),
            lsn=position["lsn"],
            wal=int(position["wal"]),
            xid=int(position["xid"]),
        )


def meters(database: Database, servers: Servers, processes: Mapping[str, Process], **more: int) -> Meters:
    """`more`: process ids by name."""
    own = {name: process.pid for name, process in processes.items()}
    of_servers = {"PostgreSQL": servers.postgres.pid, "Kafka": servers.kafka.pid}
    return Meters(database=database, pids={**own, **of_servers, **more})


def cost(before: Reading, after: Reading) -> Cost:
    seconds = after.at - before.at
    cpu = {name: (spent - before.cpu[name]) / seconds for name, spent in after.cpu.items()}
    return Cost(
        since=before.at,
        until=after.at,
        cpu=cpu,
        others=max((after.machine - before.machine) / seconds - sum(cpu.values()), 0),
        lsns=(before.lsn, after.lsn),
        wal_bytes=after.wal - before.wal,
        commits=after.xid - before.xid,
    )


def page_images(servers: Servers, spent: Cost) -> int | None:
    """How many bytes of the WAL were full-page images; None where the server has no pg_walinspect, or when a checkpoint
    has taken that WAL away since.
    """
    with servers.admin() as admin:
        try:
            admin.run("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
            return int(admin.value(IMAGES, *spent.lsns))
        except (asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Sizes of a role's transactions."""

    mean: float
    p50: float
    p99: float
    most: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} (p50 {self.p50:.0f}, p99 {self.p99:.0f}, max {self.most})"


def batches(database: Database, role: str, since: float, until: float) -> Batches | None:
    """None when it wrote nothing in that time."""
    (table, own), within = BATCHES[role], WITHIN.format(since=since, until=until)
    row = database.row(f"""
        SELECT avg(size)::float8 AS mean, max(size)::int AS most,
            percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY size) AS shares
        FROM (SELECT count(*) AS size FROM {table} WHERE {own} AND {within} GROUP BY xmin) AS batch
    """)  # noqa: S608 - constants and our own numbers
    if row["mean"] is None:
        return None
    p50, p99 = row["shares"]
    return Batches(mean=row["mean"], p50=p50, p99=p99, most=row["most"])


def commit_rate(database: Database, table: str, condition: str = "true") -> float:
    """Rows per second by the commit timestamps of the transactions that wrote them, less the first tenth of those."""
    rows = database.rows(f"""
        SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at, count(*) AS size
        FROM {table} WHERE {condition} GROUP BY xmin, 1 ORDER BY 1
    """)  # noqa: S608 - constants
    warm = max(len(rows) // 10, 1)
    return float(sum(row["size"] for row in rows[warm:]) / (rows[-1]["at"] - rows[warm - 1]["at"]))
