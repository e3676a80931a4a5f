"""docs/guards.md: `python -m tests.mutation.page` writes it; a test sees when it is out of date."""

from typing import Final

from tests.architecture.places import ROOT
from tests.mutation.guards import GUARDS, MUTATIONS, Guard, Mutation

PAGE: Final = ROOT / "docs" / "guards.md"
COLUMNS: Final = "| Without it | Where it is | Who sees it |\n|---|---|---|\n"
HEAD: Final = """\
# Guards, and what sees them gone

A guard is what keeps a promise when something fails, so on a good day nobody would notice that it is gone. Therefore
each is taken away on purpose: `tests/mutation/` copies the package, takes one guard out of the copy, runs the tests
named below on it, and wants every one of them red by a failed assertion. With all guards in place they are green.
{mutations} ways to lose {guards} guards, in about a minute:

    make test ARGS="tests/mutation"

On a system that runs, the audit sees what their absence leads to: against each invariant named below a test plants a
violation and sees it found ([audit.md](audit.md)). Where `integration/test_audit.py` stands in a table, the audit ran
on a system without the guard.

Who rewrites a guard brings `tests/mutation/guards.py` up to date, then this page by
`.venv/bin/python -m tests.mutation.page`.
"""


def page() -> str:
    return HEAD.format(mutations=len(MUTATIONS), guards=len(GUARDS)) + "".join(map(_chapter, GUARDS))


def _chapter(guard: Guard) -> str:
    audited = f" The audit: {', '.join(f'`{name}`' for name in guard.audited)}." if guard.audited else ""
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
