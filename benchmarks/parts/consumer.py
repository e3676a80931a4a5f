"""The order-service's consumer before a full topic: against itself with batches of one, and against bare SQL."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks import payments
from benchmarks.ceilings import run as ceilings
from benchmarks.database import Database
from benchmarks.meters import Batches, Cost, batches, commit_rate, cost, meters
from benchmarks.options import Options
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import Servers
from benchmarks.world import World, create

EVENTS: Final = 30_000
FEW: Final = 1_500
ROUNDS: Final = 3
PATIENCE: Final = 90
HANDLED: Final = "SELECT count(*) FROM inbox_events"


class NotHandled(Exception):
    """The consumer did not handle all events in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    rate: float
    spent: Cost
    sizes: Batches | None


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="consumer")
    world = create(servers, "consumer")
    batch = world.configuration().kafka.batch_size
    with world.database() as database:
        single = _handle(world, database, options.count(FEW), batch=1)
        rounds, bare = [], []
        for _ in range(ROUNDS):
            rounds.append(_handle(world, database, options.count(EVENTS), batch=batch))
            bare.append(_bare(world, database, options.count(EVENTS), batch))
    one = sorted(rounds, key=lambda handled: handled.rate)[ROUNDS // 2]
    ceiling = median(bare)
    part.tables.append(
        Table(
            title="PaymentAuthorized, handled by the order-service",
            header=["", "Events/s", "Events per transaction", "CPU, share of a core"],
            rows=[
                ["the consumer", one.rate, one.sizes or "-", one.spent.split()],
                ["the consumer, batches of one", single.rate, single.sizes or "-", single.spent.split()],
                ["its SQL alone", ceiling, str(batch), "-"],
            ],
        )
    )
    part.goals += [
        Goal(what="events/s, multiple of its rate with batches of one", value=one.rate / single.rate, at_least=20),
        Goal(what="events/s, share of its SQL alone", value=one.rate / ceiling, at_least=0.5),
    ]
    part.notes.append(
        f"One process, medians of {ROUNDS} topics of {options.count(EVENTS):,} events in six partitions, by commit "
        "timestamps. Per event: inbox, the order's change, its history."
    )
    return part


def _handle(world: World, database: Database, events: int, *, batch: int) -> Handled:
    world.empty()
    payments.authorize(world, payments.orders(database, events))
    with world.roles("consumer", settings={"ORDERSYS__KAFKA__BATCH_SIZE": str(batch)}) as roles:
        gauge = meters(database, world.servers, roles)
        _await(database, events // 10)
        before = gauge.read()
        _await(database, events)
        spent = cost(before, gauge.read())
    return Handled(
        rate=commit_rate(database, "inbox_events"),
        spent=spent,
        sizes=batches(database, "consumer", spent.since, spent.until),
    )


def _await(database: Database, events: int) -> None:
    until = time.monotonic() + PATIENCE
    while database.value(HANDLED) < events:
        if time.monotonic() > until:
            raise NotHandled
        time.sleep(0.05)


def _bare(world: World, database: Database, events: int, batch: int) -> float:
    world.empty()
    payments.orders(database, events)
    return float(ceilings.python("benchmarks.ceilings.consumer", world.dsn, batch)["rate"])
