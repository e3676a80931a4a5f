"""Where things are, and how to look into them without importing them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "ordersys"
TESTS = ROOT / "tests"
CORE = ("domain", "usecase", "messaging")


def core_files(package: Path = PACKAGE) -> list[Path]:
    return [path for layer in CORE for path in sorted((package / layer).rglob("*.py"))]


def imported(source: str) -> Iterator[str]:
    """Full names of the modules that a source imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))
