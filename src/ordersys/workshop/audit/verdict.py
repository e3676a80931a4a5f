"""The result of an audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One violation of an invariant: its subject (an order, an event, a flight) and the reason."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant, checked against `checked` rows. `examples`: the first violations."""

    name: str
    meaning: str
    checked: int
    violations: int
    examples: Sequence[Example] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`at`: time of the snapshot. `facts`: figures without a judgement. `skipped`: invariants that were not checked,
    because topics or a ledger are missing.
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
