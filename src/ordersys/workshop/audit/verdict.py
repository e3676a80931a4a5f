"""What an audit found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One thing that breaks an invariant: what it is (an order, an event, a flight) and why."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant held against `checked` rows. `examples` are the first few of the violations."""

    name: str
    meaning: str
    checked: int
    violations: int
    examples: Sequence[Example] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`at` is the moment of the snapshot; `facts` are figures that are neither good nor bad; `skipped` names the
    invariants that could not be held against anything (no topics or no ledger were given).
    """

    holds: bool
    at: datetime
    grace_seconds: float
    findings: Sequence[Finding]
    facts: Mapping[str, int]
    skipped: Sequence[str] = ()


def verdict(
    findings: Sequence[Finding],
    facts: Mapping[str, int],
    *,
    at: datetime,
    grace_seconds: float,
    skipped: Sequence[str] = (),
) -> Verdict:
    return Verdict(
        holds=not any(finding.violations for finding in findings),
        at=at,
        grace_seconds=grace_seconds,
        findings=findings,
        facts=facts,
        skipped=skipped,
    )
