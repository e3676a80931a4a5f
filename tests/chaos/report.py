"""The arithmetic of the results and the shapes they are told in. Pure, but for the file of the documentation."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, Final

from tests.chaos.trial import Trial

BEGIN: Final = "<!-- results: written by `make chaos ARGS=--write-docs` -->"
END: Final = "<!-- end of results -->"
# A repeat is seen a little after the fault that made it: the next publish comes with the next pass.
AFTERMATH: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault. `accepted` orders were promised, `repeats` records sent again, while its trials went on; `backlog`:
    the most events that waited at one time, where that was looked at.
    """

    fault: str
    trials: int
    accepted: int
    repeats: int
    recovery_p50: float
    recovery_max: float
    bound: float
    most_in_flight: int
    backlog: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`problems` is empty when everything holds. `facts` are figures of the whole run, by name."""

    date: str
    commit: str
    seed: int
    machine: str
    seconds: float
    rate: float
    facts: Mapping[str, float]
    rows: Sequence[Row] = ()
    trials: Sequence[Trial] = ()
    problems: Sequence[str] = field(default=())

    @property
    def holds(self) -> bool:
        return not self.problems

    def plain(self) -> dict[str, Any]:
        return asdict(self) | {"holds": self.holds}


def rows(trials: Sequence[Trial], accepted: Sequence[float], repeats: Sequence[float]) -> list[Row]:
    """`accepted` and `repeats` are the moments of those, in order."""
    by_fault: dict[str, list[Trial]] = {}
    for trial in trials:
        by_fault.setdefault(trial.row, []).append(trial)
    return [_row(fault, of, accepted, repeats) for fault, of in sorted(by_fault.items())]


def _row(fault: str, trials: Sequence[Trial], accepted: Sequence[float], repeats: Sequence[float]) -> Row:
    seconds = [one for trial in trials for one in trial.recovery.values()]
    return Row(
        fault=fault,
        trials=len(trials),
        accepted=sum(_within(accepted, trial.began, trial.ended) for trial in trials),
        repeats=sum(_within(repeats, trial.began, trial.ended + AFTERMATH) for trial in trials),
        recovery_p50=rank(seconds, 0.5),
        recovery_max=rank(seconds, 1),
        bound=bound(len(trials)),
        most_in_flight=max(trial.in_flight for trial in trials),
        backlog=max((trial.facts["backlog"] for trial in trials if "backlog" in trial.facts), default=None),
    )


def _within(moments: Sequence[float], first: float, last: float) -> int:
    return bisect_right(moments, last) - bisect_left(moments, first)


def rank(values: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[ceil(len(ordered) * share) - 1] if ordered else 0.0


def bound(trials: int) -> float:
    """What 0 failures in so many trials leave possible, at 95 %: the rule of three."""
    return min(3 / trials, 1.0) if trials else 1.0


def share(value: float) -> str:
    """A probability for readers."""
    return f"{value * 100:.3g} %" if value >= 0.0001 else f"{value * 1e6:.3g} ppm"


def markdown(run: Run) -> str:
    """What stands between the markers of docs/reliability.md."""
    accepted = int(run.facts.get("accepted", 0))
    what = f"Run of {run.date}, commit `{run.commit}`, seed {run.seed}, {run.machine}; {run.seconds / 60:.0f} minutes"
    head = [
        f"{what} at {run.rate:g} orders a second, one publish in five dropped.",
        "",
        verdict(run),
        "",
        "| Fault | Trials | Orders accepted | Published twice | Backlog | Recovery p50 | Recovery max | 95 % bound |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines = [
        f"| {row.fault} | {row.trials} | {row.accepted:,} | {row.repeats:,} | {_backlog(row)} "
        f"| {row.recovery_p50:.2f} s | {row.recovery_max:.2f} s | {share(row.bound)} |"
        for row in run.rows
    ]
    total = sum(row.trials for row in run.rows)
    repeats = int(run.facts.get("repeats", 0))
    lines.append(f"| **all** | **{total}** | **{accepted:,}** | **{repeats:,}** | | | | {share(bound(total))} |")
    facts = [f"- {name}: {_figure(value)}" for name, value in run.facts.items()]
    return "\n".join([*head, *lines, "", *facts, f"- 95 % bound per accepted order: {share(bound(accepted))}"])


def _backlog(row: Row) -> str:
    return "" if row.backlog is None else f"{row.backlog:,.0f}"


def verdict(run: Run) -> str:
    if run.holds:
        return "**Accepted orders lost: 0. Effects done twice: 0. Orders stuck: 0. Events out of order: 0.**"
    return "**The run failed:** " + "; ".join(run.problems)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def write_into(document: Path, text: str) -> None:
    """Replaces what stands between the markers; raises ValueError when they are not there."""
    before, begin, rest = document.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no place for results")
    document.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
