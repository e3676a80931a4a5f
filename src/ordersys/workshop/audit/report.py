"""Renders an audit's verdict for the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ordersys.workshop.audit.verdict import Finding, Verdict


def pages(found: Verdict) -> Iterator[RenderableType]:
    yield _table(found)
    for finding in found.findings:
        if finding.violations:
            yield _violations(finding)
    yield Text(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found.facts.items()))
    if found.skipped:
        yield Text(f"not checked (topics or ledger missing): {', '.join(found.skipped)}")
    yield _last_line(found)


def _table(found: Verdict) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("invariant", no_wrap=True)
    table.add_column("meaning")
    table.add_column("checked", justify="right", no_wrap=True)
    table.add_column("violated", justify="right", no_wrap=True)
    for finding in found.findings:
        mark = Text("VIOLATED", "bold red") if finding.violations else Text("holds", "green")
        table.add_row(mark, finding.name, finding.meaning, str(finding.checked), str(finding.violations))
    return table


def _violations(finding: Finding) -> Text:
    more = finding.violations - len(finding.examples)
    lines = [f"  {one.subject}: {one.reason}" for one in finding.examples]
    return Text("\n".join([f"\n{finding.name}:", *lines, *([f"  and {more} more"] if more else [])]))


def _last_line(found: Verdict) -> Text:
    broken = sum(finding.violations > 0 for finding in found.findings)
    if found.holds:
        return Text(f"\n{len(found.findings)} invariants hold at {found.at:%Y-%m-%d %H:%M:%S} UTC", "green")
    return Text(
        f"\n{broken} of {len(found.findings)} invariants are violated at {found.at:%Y-%m-%d %H:%M:%S} UTC", "red"
    )
