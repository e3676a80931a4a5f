"""The relay: how fast it drains a backlog, against the same SQL without a broker; how soon a lone event is there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from benchmarks import outbox
from benchmarks.ceilings import run as ceilings
from benchmarks.database import Database
from benchmarks.load import started
from benchmarks.meters import Batches, Cost, batches, commit_rate, cost, meters, peak_megabytes
from benchmarks.options import Options
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import Servers
from benchmarks.world import Process, World, create

ROUNDS: Final = 3
BACKLOG: Final = 60_000
RATES: Final = (200, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """`milliseconds` of the worker's processor per thousand events."""

    rate: float
    spent: Cost
    sizes: Batches | None


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="relay")
    world = create(servers, "relay")
    events, batch = options.count(BACKLOG), world.configuration().relay.batch_size
    with world.database() as database:
        bare = [bare_drain(world, database, events, batch) for _ in range(ROUNDS)]
        with world.roles("worker") as roles:
            drain(world, database, roles, events // 3)
            drains = [drain(world, database, roles, events) for _ in range(ROUNDS)]
            memory = peak_megabytes(roles["worker"].pid)
            singles = {rate: _probe(world, database, roles, rate, options.seconds(8)) for rate in RATES}
    rate, ceiling = median(one.rate for one in drains), median(bare)
    part.tables += [_drains(drains, ceiling, batch, memory), _singles(singles)]
    part.goals += [
        Goal(
            what="drain, share of claim + archive + delete at the same batch size", value=rate / ceiling, at_least=0.6
        ),
        Goal(what="drain, events/s", value=rate, at_least=60_000),
        Goal(what="memory of the worker, MB (peak)", value=memory, at_most=80),
        Goal(what="200/s, commit to consumer, p50 ms", value=singles[200][0]["p50"], at_most=6),
        Goal(what="200/s, worker, share of a core", value=singles[200][1].cpu["worker"], at_most=0.15),
    ]
    part.notes.append(
        f"Medians of {ROUNDS} backlogs of {events:,} events of distinct orders, by commit timestamps. The consumer of "
        "the second table only records the time."
    )
    return part


def drain(world: World, database: Database, roles: dict[str, Process], events: int) -> Drain:
    """The worker is running: it finds all of them in one moment."""
    before_all = outbox.last_archived(database)
    outbox.fill(database, events)
    gauge = meters(database, world.servers, roles)
    before = gauge.read()
    outbox.await_empty(database)
    spent = cost(before, gauge.read())
    return Drain(
        rate=commit_rate(database, "outbox_archive", f"id > {before_all}"),
        spent=spent,
        sizes=batches(database, "worker", spent.since, spent.until),
    )


def bare_drain(world: World, database: Database, events: int, batch: int) -> float:
    """Nobody else may be at the outbox."""
    outbox.fill(database, events)
    return float(ceilings.python("benchmarks.ceilings.relay", world.dsn, batch)["rate"])


def _probe(
    world: World, database: Database, roles: dict[str, Process], rate: float, seconds: float
) -> tuple[dict[str, Any], Cost]:
    topic, servers = f"{world.name}.orders", world.servers.kafka.server.address
    with started("benchmarks.probe", world.dsn, servers, topic, str(rate), str(seconds)) as probe:
        gauge = meters(database, world.servers, roles, probe=probe.pid)
        probe.wait_for("begin")
        before = gauge.read()
        probe.wait_for("end")
        spent = cost(before, gauge.read())
        return json.loads(probe.line()), spent


def _drains(drains: Sequence[Drain], ceiling: float, batch: int, memory: float) -> Table:
    one = sorted(drains, key=lambda drain: drain.rate)[len(drains) // 2]
    return Table(
        title="Draining a backlog",
        header=["", "Events/s", "Events per transaction", "CPU, share of a core", "Peak MB"],
        rows=[
            ["the relay", one.rate, one.sizes or "-", one.spent.split(), memory],
            ["claim + archive + delete, no broker", ceiling, f"{batch}", "-", "-"],
        ],
    )


def _singles(singles: dict[int, tuple[dict[str, Any], Cost]]) -> Table:
    rows = [
        [f"{rate}/s", *(found[name] for name in ("p50", "p99", "most", "came", "events")), spent.split()]
        for rate, (found, spent) in singles.items()
    ]
    header = ["Events, one per commit", "p50 ms", "p99 ms", "max ms", "Received", "of", "CPU, share of a core"]
    return Table(title="From commit to consumer, open loop", header=header, rows=rows)
