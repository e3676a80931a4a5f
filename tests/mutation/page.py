"""Generates docs/guards.md: `python -m tests.mutation.page`. A test fails if the page is out of date."""

from typing import Final

from tests.architecture.places import ROOT
from tests.mutation.guards import GUARDS, MUTATIONS, Guard, Mutation

PAGE: Final = ROOT / "docs" / "guards.md"
COLUMNS: Final = "| Mutation | File | Tests that fail |\n|---|---|---|\n"
HEAD: Final = """\
# Guards and their mutations

A guard is a piece of code that keeps a promise when something fails. While nothing fails, a missing guard goes
unnoticed. Therefore `tests/mutation/` copies the package, removes one guard from the copy, and runs the tests named
below: each of them must fail with an assertion error. With all guards in place they pass.

{mutations} mutations of {guards} guards take about a minute:

    make test ARGS="tests/mutation"

On a running system, the audit finds the consequences of a missing guard: a test violates each invariant named below
and expects the audit to report it ([audit.md](audit.md)). Where a table names `integration/test_audit.py`, the audit
ran on a system without the guard.

This page is generated. If you change guarded code, update `tests/mutation/guards.py` and run
`.venv/bin/python -m tests.mutation.page`.
"""


def page() -> str:
    return HEAD.format(mutations=len(MUTATIONS), guards=len(GUARDS)) + "".join(map(_chapter, GUARDS))


def _chapter(guard: Guard) -> str:
    audited = f" Audited by {', '.join(f'`{name}`' for name in guard.audited)}." if guard.audited else ""
    rows = "".join(map(_row, guard.mutations))
    title = guard.name[0].upper() + guard.name[1:]
    return f"\n## {title}\n\n{guard.protects}{audited}\n\n{COLUMNS}{rows}"


def _row(mutation: Mutation) -> str:
    return f"| {mutation.name} | `{mutation.file}` | {'<br>'.join(map(_test, mutation.tests))} |\n"


def _test(node: str) -> str:
    file, _, name = node.partition("::")
    return f"`{file}` {name.partition('[')[0].removeprefix('test_').replace('_', ' ')}"


if __name__ == "__main__":
    PAGE.write_text(page())
