"""One trial: work is under way, a fault, it really bit, the victim goes on working. All four, or it is not counted."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Final

from ordersys.workshop.stack.supervision.children import ChildState
from tests.chaos.system import IN_FLIGHT, Log, System, role_of
from tests.waiting import eventually

HEALTHY_WITHIN: Final = 60.0
BUSY_WITHIN: Final = 10.0
LOOK: Final = 0.05


class DidNotBite(AssertionError):
    """Nothing shows that the fault happened: a trial that proves nothing must not be counted."""


class DidNotRecover(AssertionError):
    """The victim's work did not go on in time."""


@dataclass(slots=True, kw_only=True)
class Strike:
    """What is known of a fault while it goes on. `clock`: the moment from which recovery is measured."""

    victims: Sequence[str]
    before: Mapping[str, ChildState]
    supervisor: Log
    logs: Mapping[str, Log]
    clock: float = field(default_factory=monotonic)
    facts: dict[str, float] = field(default_factory=dict)
    # Victim -> when its work went on, for a fault that strikes one after the other.
    recovered: dict[str, float] = field(default_factory=dict)


Inflict = Callable[[System, Strike], Awaitable[None]]
Bit = Callable[[System, Strike], Awaitable[str]]
Recover = Callable[[System, Strike], Awaitable[Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`inflict` does it, `bit` says what shows that it happened or raises DidNotBite, `recover` answers, for each
    victim, the seconds until its own work went on. `per_role`: each victim is a trial of its role.
    """

    name: str
    inflict: Inflict
    bit: Bit
    recover: Recover
    per_role: bool = False

    def rows(self, victims: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The lines of the results to which a trial belongs, each with its victims."""
        if not self.per_role:
            return {self.name: victims}
        found: dict[str, list[str]] = {}
        for victim in victims:
            found.setdefault(f"{self.name}: {role_of(victim)}", []).append(victim)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One line of the results for one fault. Times are seconds since 1970, `recovery` seconds per victim."""

    row: str
    began: float
    ended: float
    evidence: str
    in_flight: int
    recovery: Mapping[str, float]
    facts: Mapping[str, float] = field(default_factory=dict)


async def until(holds: Callable[[], Awaitable[bool]], within: float, step: float = LOOK) -> bool:
    """Whether it came to hold in time."""
    try:
        return await eventually(holds, within=within, step=step, what="it holds")
    except AssertionError:
        return False


async def passed(seconds: float, since: float) -> None:
    over = since + seconds
    await eventually(lambda: monotonic() >= over, within=seconds + 5, step=0.1, what="time")


async def run_trial(fault: Fault, system: System, victims: Sequence[str]) -> list[Trial]:
    """Raises DidNotBite or DidNotRecover."""
    await eventually(system.healthy, within=HEALTHY_WITHIN, what="everything is ready", step=LOOK)
    strike = _strike(system, victims)
    in_flight = await _busy(system)
    began, strike.clock = time(), monotonic()
    await fault.inflict(system, strike)
    evidence = await fault.bit(system, strike)
    if not evidence:
        raise DidNotBite(f"{fault.name}: nothing shows that it happened to {', '.join(victims)}")
    recovery = await fault.recover(system, strike)
    ended = time()
    return [
        Trial(
            row=row,
            began=began,
            ended=ended,
            evidence=evidence,
            in_flight=in_flight,
            recovery={victim: round(recovery[victim], 3) for victim in theirs or recovery if victim in recovery},
            facts=dict(strike.facts),
        )
        for row, theirs in fault.rows(victims).items()
    ]


def _strike(system: System, victims: Sequence[str]) -> Strike:
    states = system.states()
    return Strike(
        victims=victims,
        before={name: states[name] for name in victims},
        supervisor=system.log("supervisor"),
        logs={name: system.log(name) for name in victims},
    )


async def _busy(system: System) -> int:
    """Events that wait to be published: what a fault could lose. Raises DidNotBite when there is nothing to lose."""

    async def waiting() -> int:
        return int(await system.value(IN_FLIGHT))

    try:
        return await eventually(waiting, within=BUSY_WITHIN)
    except AssertionError:
        raise DidNotBite("there was no work under way that the fault could have hit") from None
