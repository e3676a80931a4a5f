"""The whole product: from the moment an order was due to be sent to the commit that completes it.

Rates are open loop, evenly spaced. Saturation keeps about a thousand orders under way, whatever rate that takes: the
system is never without work, and its backlog never grows.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Final

from benchmarks.database import Database
from benchmarks.generator import Outcome, share
from benchmarks.load import Aim, Load, accepted, generating
from benchmarks.meters import Batches, Cost, batches, cost, page_images
from benchmarks.options import Options
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import FLIGHTS, Servers
from benchmarks.world import EVERYTHING, World, create

UNDER_WAY: Final = 1000
# One process of each role works on these two cores, so a topic needs no more than one partition for it. What the
# default, made for several, costs here is shown, too.
PARTITIONS: Final = "1"
NOTE: Final = (
    "Latency runs from the moment the order was due (open loop) to the commit timestamp of the transaction that "
    "completed it. A checkpoint precedes each stretch, so WAL includes the full-page images that follow it; "
    "they weigh more in a shorter stretch (by default PostgreSQL makes a checkpoint every five minutes)."
)
TICK: Final = 0.1
END_SECONDS: Final = 60

ENDED: Final = """
    SELECT sent.due, extract(epoch FROM pg_xact_commit_timestamp(o.xmin))::float8 AS ended
    FROM unnest($1::uuid[], $2::float8[]) AS sent (id, due)
    LEFT JOIN orders AS o ON o.id = sent.id AND o.status = 'COMPLETED'
"""
OPEN: Final = "SELECT count(*) FROM orders WHERE status IN ('CREATED', 'PAYMENT_AUTHORIZED', 'REFUND_PENDING')"
FINISHED: Final = """
    SELECT count(*) FROM orders WHERE status = 'COMPLETED'
        AND extract(epoch FROM pg_xact_commit_timestamp(xmin)) BETWEEN $1 AND $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of load. Milliseconds; `per_second`: orders that ended in it."""

    name: str
    outcome: Outcome
    spent: Cost
    latencies: Sequence[float]
    per_second: float
    unfinished: int
    images: int | None
    sizes: dict[str, Batches | None]

    @property
    def p50(self) -> float:
        return share(list(self.latencies), 0.5)

    @property
    def p99(self) -> float:
        return share(list(self.latencies), 0.99)

    @property
    def finished(self) -> float:
        return self.per_second * self.spent.seconds

    @property
    def wal_kb(self) -> float:
        return self.spent.wal_bytes / self.finished / 1000

    @property
    def images_kb(self) -> float | str:
        return "-" if self.images is None else self.images / self.finished / 1000

    @property
    def commits(self) -> float:
        return self.spent.commits / self.finished


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="saga")
    with _product(servers, "saga", ORDERSYS__KAFKA__PARTITIONS=PARTITIONS) as aim:
        warm_up(aim, options)
        # What asks most of the broker comes first: its JVM is still at work on itself then.
        full = saturated(aim, options.seconds(12))
        sustained = steady(aim, 0.8 * full.per_second, options.seconds(20, long=600))
        rates = (200, 500, 1000, 1500, 2000) if options.long else (200, 1000)
        stretches = [at_rate(aim, rate, options.seconds(12)) for rate in rates]
    with _product(servers, "saga_by_default") as aim:
        warm_up(aim, options)
        name = f"200/s, {aim.world.configuration().kafka.partitions} partitions"
        by_default = at_rate(aim, 200, options.seconds(8), name)
    shown = [*stretches, full, by_default]
    part.tables += [_latencies(shown), _costs(shown), _sustained(sustained)]
    part.goals += [*_goals({stretch.name: stretch for stretch in stretches}, full), *_lasting(sustained)]
    part.notes += [
        NOTE,
        f"Topics have {PARTITIONS} partition unless stated otherwise: one process per consumer runs.",
        f"Saturation holds about {UNDER_WAY:,} orders in flight; its latency shows only the length of that queue.",
    ]
    return part


@contextmanager
def _product(servers: Servers, name: str, **settings: str) -> Iterator[Aim]:
    world = create(servers, name, **settings)
    with world.database() as database, world.roles(*EVERYTHING) as roles:
        yield Aim(world=world, database=database, target=roles["api"], flights=world.flights(FLIGHTS), watched=roles)


def warm_up(aim: Aim, options: Options) -> None:
    """Kafka's JVM compiles what runs often, which takes a core for half a minute; the producer fetches its id,
    PostgreSQL's cache fills.
    """
    for rate, seconds in ((300, 4), (1000, options.seconds(25)), (200, options.seconds(5))):
        aim.measure(loop="open", rate=rate, seconds=seconds, warm=0.5)
    settle(aim.database)


def settle(database: Database, within: float = END_SECONDS) -> int:
    """Waits until no order is under way; answers how many still are."""
    until = time.monotonic() + within
    while (left := int(database.value(OPEN))) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def at_rate(aim: Aim, rate: float, seconds: float, name: str = "") -> Stretch:
    checkpoint(aim.world)
    ids = aim.world.servers.folder / "accepted"
    outcome, spent = aim.measure(loop="open", rate=rate, seconds=seconds, ids=str(ids))
    left = settle(aim.database)
    return _stretch(name or f"{rate:g}/s", aim, ids, outcome, spent, left)


def saturated(aim: Aim, seconds: float, name: str = "saturated") -> Stretch:
    """Proportional control: the fewer orders are under way, the faster new ones are sent."""
    checkpoint(aim.world)
    ids = aim.world.servers.folder / "accepted"
    plan = aim.plan(loop="paced", connections=512, rate=1000, seconds=seconds, warm=4, ids=str(ids))
    with generating(plan) as load:
        gauge = aim.meters(load)
        _steer(aim.database, load, plan.warm)
        load.wait_for("begin")
        before = gauge.read()
        _steer(aim.database, load, seconds - TICK)
        load.wait_for("end")
        spent = cost(before, gauge.read())
        outcome = load.outcome()
    left = settle(aim.database)
    return _stretch(name, aim, ids, outcome, spent, left)


def _steer(database: Database, load: Load, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        load.set_rate(6 * max(UNDER_WAY + UNDER_WAY * 0.25 - int(database.value(OPEN)), 0))
        time.sleep(TICK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """A load that it can bear, for a while. `under_way`: orders, looked at four times a second."""

    rate: float
    finished: int
    spent: Cost
    images: int | None
    under_way: Sequence[int]

    @property
    def growth(self) -> float:
        """Orders per second by which the backlog grows, from its second quarter to its last, of the rate."""
        second, last = self._quarter(1), self._quarter(3)
        return (last - second) / (self.spent.seconds / 2) / self.rate

    @property
    def wal_kb(self) -> float:
        return self.spent.wal_bytes / self.finished / 1000

    def row(self) -> Sequence[object]:
        images = "-" if self.images is None else self.images / self.finished / 1000
        shown = [self.rate, self.spent.seconds, self._quarter(1), self._quarter(3), max(self.under_way)]
        return [*shown, self.wal_kb, images, self.spent.split()]

    def _quarter(self, number: int) -> float:
        size = max(len(self.under_way) // 4, 1)
        return mean(self.under_way[number * size : (number + 1) * size])


def steady(aim: Aim, rate: float, seconds: float) -> Sustained:
    """At a load it can bear the backlog has to stay where it is."""
    checkpoint(aim.world)
    seen: list[int] = []
    with generating(aim.plan(loop="open", rate=rate, seconds=seconds, warm=2)) as load:
        gauge = aim.meters(load)
        load.wait_for("begin")
        before, until = gauge.read(), time.monotonic() + seconds - 0.5
        while time.monotonic() < until:
            seen.append(int(aim.database.value(OPEN)))
            time.sleep(0.25)
        load.wait_for("end")
        spent = cost(before, gauge.read())
        load.outcome()
    settle(aim.database)
    return Sustained(
        rate=rate,
        finished=int(aim.database.value(FINISHED, spent.since, spent.until)),
        spent=spent,
        images=page_images(aim.world.servers, spent),
        under_way=seen,
    )


def checkpoint(world: World) -> None:
    with world.servers.admin() as admin:
        admin.run("CHECKPOINT")


def _stretch(name: str, aim: Aim, ids: Path, outcome: Outcome, spent: Cost, left: int) -> Stretch:
    orders, database = accepted(ids), aim.database
    rows = database.rows(ENDED, [order for order, _ in orders], [due for _, due in orders])
    within = [row for row in rows if spent.since <= row["due"] <= spent.until and row["ended"] is not None]
    return Stretch(
        name=name,
        outcome=outcome,
        spent=spent,
        latencies=sorted(row["ended"] - row["due"] for row in within),
        per_second=database.value(FINISHED, spent.since, spent.until) / spent.seconds,
        unfinished=left,
        images=page_images(aim.world.servers, spent),
        sizes={role: batches(database, role, spent.since, spent.until) for role in EVERYTHING},
    )


def _latencies(stretches: Sequence[Stretch]) -> Table:
    rows = [
        [
            one.name,
            one.per_second,
            one.p50,
            one.p99,
            share(list(one.latencies), 1),
            one.outcome.p50,
            one.outcome.p99,
            one.outcome.late,
            one.unfinished,
        ]
        for one in stretches
    ]
    header = [
        "Offered",
        "Finished/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "POST p50",
        "POST p99",
        "send delay p99",
        "unfinished",
    ]
    return Table(title="Latency from due time to completion", header=header, rows=rows)


def _costs(stretches: Sequence[Stretch]) -> Table:
    rows = [
        [
            one.name,
            one.wal_kb,
            one.images_kb,
            one.commits,
            f"{sum(one.spent.cpu.values()) * 1000 * one.spent.seconds / one.finished:.2f}",
            one.spent.split(),
            ", ".join(f"{role} {size.mean:.1f}/{size.most}" for role, size in one.sizes.items() if size),
        ]
        for one in stretches
    ]
    header = [
        "Offered",
        "WAL kB/order",
        "of which page images",
        "writing commits/order",
        "CPU ms/order",
        "CPU, share of a core",
        "batch mean/max",
    ]
    return Table(title="Cost of an order", header=header, rows=rows)


def _sustained(one: Sustained) -> Table:
    header = [
        "Orders/s", "Seconds", "in flight, 2nd quarter", "last quarter", "maximum", "WAL kB/order",
        "of which page images", "CPU, share of a core",
    ]  # fmt: skip
    return Table(title="At 80 % of saturation", header=header, rows=[one.row()])


def _lasting(one: Sustained) -> list[Goal]:
    seconds = f"{one.spent.seconds:.0f} s"
    return [
        Goal(what=f"growth of the number in flight in {seconds}, of the rate", value=one.growth, at_most=0.01),
        Goal(what=f"WAL per finished order in {seconds} after a checkpoint, kB", value=one.wal_kb, at_most=6),
    ]


def _goals(at: dict[str, Stretch], full: Stretch) -> list[Goal]:
    slow, fast = at["200/s"], at["1000/s"]
    return [
        Goal(what="200/s, p50 ms", value=slow.p50, at_most=25),
        Goal(what="200/s, p99 ms", value=slow.p99, at_most=60),
        Goal(what="1,000/s, p50 ms", value=fast.p50, at_most=45),
        Goal(what="1,000/s, p99 ms", value=fast.p99, at_most=100),
        Goal(what="saturation, finished orders/s", value=full.per_second, at_least=1500),
        Goal(what="writing commits per finished order at 1,000/s", value=fast.commits, at_most=1.2),
        Goal(what="writing commits per finished order, saturated", value=full.commits, at_most=0.5),
    ]
