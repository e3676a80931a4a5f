"""Makes a copy of the package in which one guard is missing, and lets tests of ours run on it in a child process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.architecture.places import PACKAGE, ROOT
from tests.mutation.guards import Mutation

SECONDS: Final = 100
# Nothing but what the tests need: the other plugins and what they import cost more than the tests.
_PYTEST: Final = (
    "-m",
    "pytest",
    "-q",
    "--timeout=20",
    "-p",
    "pytest_asyncio.plugin",
    "-p",
    "pytest_timeout",
    "-p",
    "no:cacheprovider",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`ended`: how each test did, by its node id; nothing when the child did not come that far."""

    code: int
    ended: Mapping[str, str]
    output: str


def run(tests: Sequence[str], mutation: Mutation | None, folder: Path, env: Mapping[str, str]) -> Outcome:
    """These tests on a copy of the package, in which the mutation was made."""
    source = _copy(mutation, folder)
    report = folder / "report.json"
    told = {"PYTHONPATH": str(source), "MUTATED_SRC": str(source), "MUTATION_REPORT": str(report)}
    child = subprocess.run(
        [sys.executable, *_PYTEST, "-p", "tests.mutation.witness", f"--basetemp={folder / 'tmp'}", *tests],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", **env, **told},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    ended = json.loads(report.read_text()) if report.exists() else {}
    return Outcome(code=child.returncode, ended=ended, output=child.stdout + child.stderr)


def mutated(mutation: Mutation, text: str) -> str:
    """Raises AssertionError when the table does not fit the source any more."""
    times = text.count(mutation.before)
    assert times == 1, (
        f"src/ordersys/{mutation.file} has {times} times, not once, what is to be taken away:\n\n{mutation.before}\n\n"
        f"Where the guard was rewritten, bring `before` and `after` of the mutation {mutation.name!r} in"
        " tests/mutation/guards.py up to date: the shortest text that is there once, and the same without the guard."
        " Where the guard is gone, take it out of the table with the test that misses it."
    )
    return text.replace(mutation.before, mutation.after)


def _copy(mutation: Mutation | None, folder: Path) -> Path:
    """With the compiled files, which spares the child to compile them; what was mutated is younger than its own."""
    source = folder / "src"
    shutil.copytree(PACKAGE, source / PACKAGE.name)
    if mutation:
        file = source / PACKAGE.name / mutation.file
        file.write_text(mutated(mutation, file.read_text()))
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()
    return source
