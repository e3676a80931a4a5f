"""What the product costs while nobody buys anything."""

import time
from typing import Final

from benchmarks.meters import cost, meters, peak_megabytes
from benchmarks.options import Options
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import Servers
from benchmarks.world import EVERYTHING, create

CALM_SECONDS: Final = 6


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="idle")
    world = create(servers, "idle")
    with world.database() as database, world.roles(*EVERYTHING) as roles:
        time.sleep(CALM_SECONDS)
        gauge = meters(database, servers, roles)
        before = gauge.read()
        time.sleep(options.seconds(20, long=120))
        spent = cost(before, gauge.read())
        memory = {role: peak_megabytes(process.pid) for role, process in roles.items()}
    rows = [[name, share * 100, memory.get(name, "-")] for name, share in spent.cpu.items()]
    part.tables.append(
        Table(title=f"Idle for {spent.seconds:.0f} s", header=["", "CPU, % of a core", "Peak MB"], rows=rows)
    )
    part.goals += [
        Goal(what=f"idle {role}, % of a core", value=spent.cpu[role] * 100, at_most=1) for role in EVERYTHING
    ]
    part.notes.append(
        f"WAL in this time: {spent.wal_bytes / spent.seconds / 1000:.1f} kB/s, "
        f"{spent.commits / spent.seconds:.1f} writing transactions/s."
    )
    return part
