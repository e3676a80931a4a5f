"""`POST /orders`, durable, against the same application without a database, an ORM build of it, and bare writers.

The rounds of what is compared alternate, so that a slow minute of the machine meets all of them; the medians count.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.ceilings import run as ceilings
from benchmarks.generator import Outcome
from benchmarks.load import Aim
from benchmarks.meters import Batches, Cost, batches
from benchmarks.options import Options
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import FLIGHTS, Servers
from benchmarks.world import World, create

BUILDS: Final = {
    "the product": ("api", "ordersys", "run", "--role=api"),
    "without a database": ("no-database", "benchmarks.peers.no_database"),
    "ORM build": ("orm", "benchmarks.peers.orm_app"),
}
ROUNDS: Final = 3
NOTE: Final = (
    "64 connections, closed loop, 50 customers, 1,000 flights, one item; idempotency, authentication, metrics and logs "
    f"on. Medians of {ROUNDS} rounds (ORM build: one); the tables are emptied between rounds."
)
Round = tuple[Outcome, Cost, Batches | None]


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="api")
    world = create(servers, "api")
    with world.database() as database, world.processes(BUILDS) as builds:
        flights = world.flights(FLIGHTS)
        aims = {
            name: Aim(
                world=world, database=database, target=builds[name], flights=flights, watched={"api": builds[name]}
            )
            for name in BUILDS
        }
        rounds: dict[str, list[Round]] = {name: [] for name in BUILDS}
        for name in _order():
            world.empty()
            rounds[name].append(_round(aims[name], options.seconds(5)))
        product = _median(rounds["the product"])
        world.empty()
        half, _ = aims["the product"].measure(
            loop="open", rate=product[0].rate / 2, seconds=options.seconds(6), connections=16
        )
    bare = _bare(world, options)
    part.tables += [_builds({name: _median(taken) for name, taken in rounds.items()}, bare), _open(half, product[0])]
    part.goals += _goals({name: _median(taken)[0] for name, taken in rounds.items()})
    part.notes += [
        NOTE,
        "The bare writers insert two rows (order, outbox event); the product writes five and updates the seats.",
        *(["pgbench was not found and not run."] if bare["pgbench"] is None else []),
    ]
    return part


def _order() -> Sequence[str]:
    """One after the other, not one to its end."""
    pair = ["the product", "without a database"]
    return [*(pair * ROUNDS), "ORM build"]


def _round(aim: Aim, seconds: float) -> Round:
    outcome, spent = aim.measure(loop="closed", seconds=seconds, warm=1.5)
    return outcome, spent, batches(aim.database, "api", spent.since, spent.until)


def _median(rounds: Sequence[Round]) -> Round:
    """The round with the median rate."""
    return sorted(rounds, key=lambda one: one[0].rate)[len(rounds) // 2]


def _bare(world: World, options: Options) -> Mapping[str, Any]:
    seconds = options.seconds(4)
    world.empty()
    writer = ceilings.python("benchmarks.ceilings.writer", world.dsn, seconds)
    world.empty()
    return {"writer": writer, "pgbench": ceilings.pgbench(world.dsn, world.servers.folder, seconds)}


def _builds(builds: Mapping[str, Round], bare: Mapping[str, Any]) -> Table:
    rows: list[Sequence[object]] = []
    for name, (outcome, spent, sizes) in builds.items():
        wal = spent.wal_bytes / (outcome.rate * spent.seconds) / 1000
        durable = name != "without a database"
        rows.append([name, outcome.rate, outcome.p50, outcome.p99, outcome.most, sizes or "-", wal if durable else "-",
            spent.split()])  # fmt: skip
    writer = bare["writer"]
    rows.append(["bare writer, asyncpg, 8 connections", writer["rate"], writer["p50"], writer["p99"], *["-"] * 4])
    if bare["pgbench"] is not None:
        rows.append(["bare writer, pgbench, 32 clients", bare["pgbench"], *["-"] * 6])
    header = [
        "",
        "Orders/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "Orders per transaction",
        "WAL kB/order",
        "CPU, share of a core",
    ]
    return Table(title="Orders accepted, closed loop", header=header, rows=rows)


def _open(half: Outcome, full: Outcome) -> Table:
    return Table(
        title="The product at half of that rate, open loop",
        header=["Offered/s", "Responses/s", "p50 ms", "p99 ms", "max ms", "send delay p99"],
        rows=[[full.rate / 2, half.rate, half.p50, half.p99, half.most, half.late]],
    )


def _goals(builds: Mapping[str, Outcome]) -> list[Goal]:
    product = builds["the product"]
    return [
        Goal(
            what="orders/s, share of the same app without a database",
            value=product.rate / builds["without a database"].rate,
            at_least=0.8,
        ),
        Goal(what="orders/s, multiple of the ORM build", value=product.rate / builds["ORM build"].rate, at_least=7),
        Goal(what="p99 ms, 64 connections", value=product.p99, at_most=30),
    ]
