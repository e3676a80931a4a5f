"""Results of a part: tables and goals. They are printed, stored as JSON and written into the document."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

MARKED: Final = "<!-- bench:{name} -->\n.*?<!-- /bench:{name} -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """`at_least` or `at_most` is the bound; the other one is None."""

    what: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        return not (
            (self.at_least is not None and self.value < self.at_least)
            or (self.at_most is not None and self.value > self.at_most)
        )

    @property
    def bound(self) -> str:
        return f">= {figure(self.at_least)}" if self.at_least is not None else f"<= {figure(self.at_most)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(slots=True, kw_only=True)
class Part:
    """`texts`: copied verbatim, such as query plans. `failed`: why there are no figures."""

    name: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    failed: str = ""

    def as_json(self) -> Mapping[str, Any]:
        plain = asdict(self)
        plain["goals"] = [asdict(goal) | {"holds": goal.holds} for goal in self.goals]
        return plain


def figure(value: object) -> str:
    """Returns three significant digits with thousands separators."""
    if not isinstance(value, float | int) or isinstance(value, bool):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def markdown(part: Part) -> str:
    lines: list[str] = []
    if part.failed:
        lines += [f"Failed: {part.failed.splitlines()[0]}", ""]
    for table in part.tables:
        lines += [f"{table.title}:", "", *_aligned([table.header, *table.rows]), ""]
    if part.goals:
        rows = [(goal.what, goal.bound, goal.value, "met" if goal.holds else "**missed**") for goal in part.goals]
        lines += [*_aligned([("Goal", "Bound", "Measured", ""), *rows]), ""]
    for note in part.notes:
        lines += [f"- {note}"]
    return "\n".join(lines).strip() + "\n"


def write_json(path: Path, machine: Mapping[str, object], parts: Iterable[Part]) -> None:
    content = {"machine": machine, "parts": {part.name: part.as_json() for part in parts}}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def write_document(path: Path, sections: Mapping[str, str]) -> None:
    """Replaces the text between the markers of each section."""
    text = path.read_text()
    for name, content in sections.items():
        pattern = re.compile(MARKED.format(name=name), re.DOTALL)
        section = f"<!-- bench:{name} -->\n{content.strip()}\n<!-- /bench:{name} -->"
        text, found = pattern.subn(section.replace("\\", r"\\"), text)
        if not found:
            raise ValueError(f"{path} has no markers for {name}")
    path.write_text(text)


def _aligned(rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [[figure(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
