"""Sizes, names and shapes that the house keeps in src."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from scripts import sizes
from tests.architecture.places import PACKAGE, core_files, shown

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "base", "impl"}


def loose_dataclasses(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if "dataclass" in ast.unparse(decorator) and not _is_tight(decorator):
                    yield node.name


def _is_tight(decorator: ast.expr) -> bool:
    if not isinstance(decorator, ast.Call):
        return False
    chosen = {keyword.arg for keyword in decorator.keywords if ast.unparse(keyword.value) == "True"}
    return {"slots", "kw_only"} <= chosen


def badly_named(path: Path) -> bool:
    return bool(FORBIDDEN_NAMES & {word for part in path.parts for word in part.removesuffix(".py").split("_")})


def test_sizes_are_kept() -> None:
    assert sizes.problems() == []


def test_a_long_function_is_seen(tmp_path: Path) -> None:
    _plant(tmp_path, "src/long.py", "def long() -> None:\n" + "    pass\n" * 60)

    assert [line for line in sizes.too_long(tmp_path) if "61 lines" in line]


@pytest.mark.parametrize(("file", "cap"), [("src/long.py", 400), ("tests/long.py", 600)])
def test_a_long_file_is_seen(tmp_path: Path, file: str, cap: int) -> None:
    _plant(tmp_path, file, "pass\n" * cap)
    assert list(sizes.too_long(tmp_path)) == []

    _plant(tmp_path, file, "pass\n" * (cap + 1))
    assert len(list(sizes.too_long(tmp_path))) == 1


def test_long_functions_as_a_rule_are_seen(tmp_path: Path) -> None:
    _plant(tmp_path, "src/all.py", "".join(f"def f{n}() -> None:\n" + "    pass\n" * 40 for n in range(5)))

    assert len(list(sizes.too_long_as_a_rule(tmp_path))) == 2


def test_no_file_is_named_for_nothing() -> None:
    assert [shown(path) for path in PACKAGE.rglob("*.py") if badly_named(path.relative_to(PACKAGE))] == []


@pytest.mark.parametrize("name", ["utils.py", "order_manager.py", "common/x.py", "base.py"])
def test_a_name_for_nothing_is_seen(name: str) -> None:
    assert badly_named(Path(name))


def test_dataclasses_of_the_core_have_slots_and_take_keywords_only() -> None:
    found = [f"{shown(path)}: {name}" for path in core_files() for name in loose_dataclasses(path.read_text())]

    assert found == []


@pytest.mark.parametrize("decorator", ["@dataclass", "@dataclass(frozen=True)", "@dataclasses.dataclass(slots=True)"])
def test_a_loose_dataclass_is_seen(decorator: str) -> None:
    assert list(loose_dataclasses(f"{decorator}\nclass Loose:\n    x: int\n")) == ["Loose"]


def _plant(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names_of(source: str) -> Iterator[str]:
    """Classes, and type aliases of a module: names that a reader looks up."""
    tree = ast.parse(source)
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        if isinstance(node, ast.Assign) and not _is_type_variable(node.value):
            name = ast.unparse(node.targets[0])
            if re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", name):
                yield name


def _is_type_variable(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"


def ambiguous(sources: Mapping[str, str]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for place, source in sources.items():
        for name in names_of(source):
            places.setdefault(name, []).append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_class_names_have_one_meaning() -> None:
    assert ambiguous({shown(path): path.read_text() for path in PACKAGE.rglob("*.py")}) == {}


def test_a_class_name_with_two_meanings_is_reported() -> None:
    assert ambiguous({"a.py": "class Answer: ...", "b.py": "Answer = int | None"}) == {"Answer": ["a.py", "b.py"]}
