"""Somebody holds a REPEATABLE READ snapshot (a report, a backup): no dead row of the outbox can be removed meanwhile.

What slows a queue down then is the number of dead rows, not the time. So the short form lets five minutes' worth of
events (at 1,000/s) go through as fast as they will, and the long form takes the five minutes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

from benchmarks import outbox
from benchmarks.database import Database
from benchmarks.options import Options
from benchmarks.parts.relay import Drain, drain
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import Servers
from benchmarks.world import create

BACKLOG: Final = 40_000
ROUNDS: Final = 7
RATE: Final = 1000
SECONDS: Final = 300


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="snapshot")
    world = create(servers, "snapshot")
    events, passed = options.count(BACKLOG), options.count(RATE * SECONDS)
    with world.database() as database, world.roles("worker") as roles:
        drain(world, database, roles, events)
        clean = [drain(world, database, roles, events) for _ in range(ROUNDS)]
        with world.database() as holder, _held(holder):
            (_slowly if options.long else _at_once)(database, passed)
            held = [drain(world, database, roles, events) for _ in range(ROUNDS)]
        dead = database.value("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'")
    rates = {"clean": _rate(clean), "held": _rate(held)}
    rows = [[name, rate] for name, rate in rates.items()]
    part.tables.append(Table(title="Draining", header=["Snapshot", "Events/s"], rows=rows))
    part.goals.append(
        Goal(
            what="relay with a held snapshot, share of its clean rate",
            value=rates["held"] / rates["clean"],
            at_least=0.95,
        )
    )
    how = "in five minutes" if options.long else "at full speed"
    part.notes.append(
        f"{passed:,} events were published while the snapshot was held ({how}); then medians of {ROUNDS} backlogs of "
        f"{events:,}. Dead rows at the end: {dead:,}."
    )
    return part


@contextmanager
def _held(holder: Database) -> Iterator[None]:
    holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder.run("SELECT count(*) FROM outbox")
    try:
        yield
    finally:
        holder.run("ROLLBACK")


def _at_once(database: Database, events: int) -> None:
    for _ in range(10):
        outbox.fill(database, events // 10)
        outbox.await_empty(database)


def _slowly(database: Database, events: int) -> None:
    next_second = time.monotonic()
    for _ in range(events // RATE):
        outbox.fill(database, RATE)
        next_second += 1
        time.sleep(max(next_second - time.monotonic(), 0))
    outbox.await_empty(database)


def _rate(drains: list[Drain]) -> float:
    return median(one.rate for one in drains)
