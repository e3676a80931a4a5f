"""How many trials of what, and in which order: the seed shuffles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from ordersys.config import ROLES

CONSUMERS: Final = ("consumer", "payment", "ticket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Trials: `kills` of each role, `cuts` before and as many after COMMIT, the others of each kind.

    `together`: how many roles are killed at one moment.
    """

    kills: int = 100
    stops: int = 50
    postgres_stops: int = 50
    postgres_kills: int = 5
    cuts: int = 25
    kafka_kills: int = 20
    kafka_stops: int = 5
    valkey_flushes: int = 10
    valkey_kills: int = 10
    rolls: int = 10
    outages: int = 2
    together: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """`victims`: roles or servers; which process of a role is chosen when it comes to that."""

    fault: str
    victims: tuple[str, ...]


def shots(counts: Counts, seed: int) -> list[Shot]:
    chance = Random(seed)
    everything = [
        *(Shot(fault="SIGKILL", victims=group) for group in _groups(counts.kills, counts.together, chance)),
        *_stops(counts.stops),
        *_of("PostgreSQL: immediate shutdown", counts.postgres_stops, "postgres"),
        *_of("PostgreSQL: SIGKILL", counts.postgres_kills, "postgres"),
        *_of("connection cut before COMMIT", counts.cuts),
        *_of("connection cut after COMMIT", counts.cuts),
        *_of("Kafka: SIGKILL", counts.kafka_kills, "kafka"),
        *_of("Kafka: stop", counts.kafka_stops, "kafka"),
        *_of("Valkey: FLUSHALL", counts.valkey_flushes),
        *_of("Valkey: SIGKILL", counts.valkey_kills, "valkey"),
        *_of("rolling restart", counts.rolls, *ROLES),
        *_of("all workers stopped", counts.outages),
    ]
    chance.shuffle(everything)
    return everything


def first_ready(waiting: Sequence[Shot], calm: Mapping[str, int]) -> Shot | None:
    """The first whose victims have all lived long enough; `calm`: role -> how many of its processes have."""
    return next((shot for shot in waiting if all(calm.get(victim, 0) > 0 for victim in shot.victims)), None)


def _of(fault: str, count: int, *victims: str) -> list[Shot]:
    return [Shot(fault=fault, victims=victims) for _ in range(count)]


def _groups(kills: int, together: int, chance: Random) -> Iterable[tuple[str, ...]]:
    """Each role so many times, so many different ones at a time as far as that goes."""
    left = [role for _ in range(kills) for role in chance.sample(ROLES, len(ROLES))]
    while left:
        group = list(dict.fromkeys(left))[:together]
        for role in group:
            left.remove(role)
        yield tuple(group)


def _stops(count: int) -> list[Shot]:
    """A worker and one of the consumers at a time; an odd one is a worker."""
    pairs = [Shot(fault="SIGSTOP", victims=("worker", CONSUMERS[n % len(CONSUMERS)])) for n in range(count // 2)]
    return pairs + _of("SIGSTOP", count % 2, "worker")
