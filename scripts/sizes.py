"""Checks the size limits. Prints the violations and exits with 1 if there are any.

Functions have at most 60 lines, files at most 400 (tests 600); in src the median function has at most 8 lines and the
90th percentile at most 30.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "scripts", "benchmarks")
FUNCTION_LINES = 60
MEDIAN_LINES = 8
P90_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    name: str
    lines: int


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield Function(name=node.name, lines=node.end_lineno - node.lineno + 1)


def file_cap(path: Path, root: Path) -> int:
    return 600 if path.relative_to(root).parts[0] == "tests" else 400


def too_long(root: Path) -> Iterator[str]:
    for path in (path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))):
        shown, lines = path.relative_to(root), len(path.read_text().splitlines())
        if lines > file_cap(path, root):
            yield f"{shown}: {lines} lines, at most {file_cap(path, root)}"
        for function in functions(path):
            if function.lines > FUNCTION_LINES:
                yield f"{shown}: {function.name} has {function.lines} lines, at most {FUNCTION_LINES}"


def too_long_as_a_rule(root: Path) -> Iterator[str]:
    lengths = [function.lines for path in (root / "src").rglob("*.py") for function in functions(path)]
    median, p90 = statistics.median(lengths), statistics.quantiles(lengths, n=10)[-1]
    if median > MEDIAN_LINES:
        yield f"src: the median function has {median:g} lines, at most {MEDIAN_LINES}"
    if p90 > P90_LINES:
        yield f"src: the 90th percentile of function lengths is {p90:g}, at most {P90_LINES}"


def problems(root: Path = ROOT) -> list[str]:
    return [*too_long(root), *too_long_as_a_rule(root)]


if __name__ == "__main__":
    found = problems()
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    sys.exit(1 if found else 0)
