"""An order, a page of orders, a workflow: with ten thousand, a hundred thousand and a million orders in the tables.

The workflow also against an ORM build with `selectinload`, in the same application.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import history
from benchmarks.generator import Outcome
from benchmarks.load import Aim
from benchmarks.meters import Cost
from benchmarks.options import Options
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import Servers
from benchmarks.world import World, create, tokens

SIZES: Final = (10_000, 100_000, 1_000_000)
SAMPLE: Final = 20_000
BUILDS: Final = {
    "api": ("api", "ordersys", "run", "--role=api"),
    "orm": ("orm", "benchmarks.peers.orm_app"),
}
ROUTES: Final = {"order": "/orders/{id}", "list": "/orders?limit=20", "workflow": "/orders/{id}/workflow"}
ORM: Final = "workflow, ORM build"
Found = Mapping[tuple[str, int], tuple[Outcome, Cost]]


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="reads")
    sizes = SIZES[:-1] if options.quick else SIZES
    found = _measured(create(servers, "reads"), sizes, options.seconds(4))
    least, most = sizes[0], sizes[-1]
    rows: list[Sequence[object]] = [
        [what, size, outcome.rate, outcome.p50, outcome.p99, outcome.most, spent.split()]
        for (what, size), (outcome, spent) in found.items()
    ]
    header = ["Read", "Orders stored", "Responses/s", "p50 ms", "p99 ms", "max ms", "CPU, share of a core"]
    part.tables.append(Table(title="Reads, closed loop, 16 connections", header=header, rows=rows))
    times_orm = found["workflow", least][0].rate / found[ORM, least][0].rate
    part.goals.append(Goal(what="workflows/s, multiple of the ORM build", value=times_orm, at_least=10))
    for route in ROUTES:
        slower = found[route, least][0].rate / found[route, most][0].rate
        what = f"{route}: {least:,} orders, times the rate with {most:,}"
        part.goals.append(Goal(what=what, value=slower, at_most=1.2))
    part.notes.append(
        f"Up to {SAMPLE:,} different orders of {history.CUSTOMERS} customers, in random order; 15 rows each in seven "
        "tables (unlogged, to fill them quickly; reads cost the same)."
    )
    return part


def _measured(world: World, sizes: Sequence[int], seconds: float) -> Found:
    found: dict[tuple[str, int], tuple[Outcome, Cost]] = {}
    with world.database() as database, world.processes(BUILDS) as builds:
        owners = tokens(history.CUSTOMERS)
        aims = {
            name: Aim(world=world, database=database, target=build, flights=[], watched={"api": build}, tokens=owners)
            for name, build in builds.items()
        }
        there = 0
        for size in sizes:
            history.add(world, there + 1, size)
            there = size
            sample = history.ids(world, SAMPLE, size)
            for route, path in ROUTES.items():
                paths = [(owner, path.format(id=order_id)) for order_id, owner in sample]
                found[route, size] = _read(aims["api"], paths, seconds)
                if route == "workflow" and size == sizes[0]:
                    found[ORM, size] = _read(aims["orm"], paths, seconds)
    return found


def _read(aim: Aim, paths: list[tuple[int, str]], seconds: float) -> tuple[Outcome, Cost]:
    return aim.measure(loop="closed", connections=16, seconds=seconds, paths=paths)
