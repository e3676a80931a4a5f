"""Everybody wants the same flight: all orders on one flight against orders over a thousand."""

from statistics import mean
from typing import Final

from benchmarks.load import Aim
from benchmarks.options import Options
from benchmarks.parts import saga
from benchmarks.report import Goal, Part, Table
from benchmarks.servers import FLIGHTS, Servers
from benchmarks.world import EVERYTHING, create

ROUNDS: Final = 2
WIDTHS: Final = {"one flight": 1, "1,000 flights": FLIGHTS}


def run(servers: Servers, options: Options) -> Part:
    part = Part(name="hotflight")
    accepted, finished = _accepted(servers, options), _finished(servers, options)
    part.tables.append(
        Table(
            title="All orders for",
            header=["", "accepted/s (api alone, 64 connections)", "p99 ms", "finished/s (everything, saturated)"],
            rows=[[name, accepted[name][0], accepted[name][1], finished[name]] for name in WIDTHS],
        )
    )
    for what, rates in (("accepted", {name: rate for name, (rate, _) in accepted.items()}), ("finished", finished)):
        ratio = rates["one flight"] / rates["1,000 flights"]
        part.goals.append(Goal(what=f"orders {what}/s on one flight, of 1,000 flights", value=ratio, at_least=0.9))
    return part


def _accepted(servers: Servers, options: Options) -> dict[str, tuple[float, float]]:
    """Rounds in turn; means of rate and p99."""
    world = create(servers, "hot_api")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WIDTHS}
    with world.database() as database, world.roles("api") as roles:
        for _ in range(ROUNDS):
            for name, width in WIDTHS.items():
                world.empty()
                aim = Aim(world=world, database=database, target=roles["api"], flights=world.flights(width))
                outcome, _cost = aim.measure(loop="closed", seconds=options.seconds(5))
                found[name].append((outcome.rate, outcome.p99))
    return {name: (mean(rate for rate, _ in taken), mean(p99 for _, p99 in taken)) for name, taken in found.items()}


def _finished(servers: Servers, options: Options) -> dict[str, float]:
    world = create(servers, "hot_saga")
    found: dict[str, float] = {}
    with world.database() as database, world.roles(*EVERYTHING) as roles:
        for name, width in WIDTHS.items():
            flights = world.flights(width)
            aim = Aim(world=world, database=database, target=roles["api"], flights=flights, watched=roles)
            if not found:
                saga.warm_up(aim, options)
            found[name] = saga.saturated(aim, options.seconds(8), name).per_second
    return found
