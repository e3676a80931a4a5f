"""`config.example.yaml` is the reference of every key: it must not drift from the code."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ordersys.config import FAULT_POINTS, Settings, load
from ordersys.config.sources import keys

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
KEYS = [name for name, _ in keys(Settings)]


def _written_keys() -> list[str]:
    content: dict[str, Any] = yaml.safe_load(TEXT)
    sections = {key: value for key, value in content.items() if key in Settings.__struct_fields__}
    return [
        f"{key}.{inner}" if isinstance(value, dict) else key
        for key, value in sections.items()
        for inner in (value if isinstance(value, dict) else [""])
    ]


def _comment_above(key: str) -> str:
    section, _, name = key.rpartition(".")
    body = TEXT.partition(f"\n{section}:\n")[2] if section else TEXT
    indent = "  " if section else ""
    found = re.search(rf"((?:^{indent}#.*\n)+)^{indent}{name}:", body, re.MULTILINE)
    return re.sub(r"\n?\s*# ", " ", found.group(1)).strip() if found else ""


def test_it_holds_every_key_and_no_other() -> None:
    assert _written_keys() == KEYS


def test_it_says_exactly_the_defaults() -> None:
    assert load(EXAMPLE, {}) == Settings()


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_explained_with_its_default(key: str) -> None:
    explanation, found, default = _comment_above(key).rpartition(" Default: ")
    value: Any = Settings()
    for part in key.split("."):
        value = getattr(value, part)
    stated = yaml.safe_load(default)
    plain = value.reveal() if hasattr(value, "reveal") else msgspec.to_builtins(value, builtin_types=())

    assert found, f"{key} has no comment that ends with its default"
    assert len(explanation) > 10
    assert (tuple(stated) if isinstance(stated, list) else stated) == plain


@pytest.mark.parametrize(
    ("ending", "unit"),
    [("_seconds", "seconds"), ("_ms", "milliseconds"), ("_hours", "hours"), ("_days", "days"), ("_bytes", "bytes")],
)
def test_every_quantity_names_its_unit(ending: str, unit: str) -> None:
    assert all(
        f"in {unit}" in _comment_above(key) for key in KEYS if key.endswith(ending) and key != "orders.max_seats"
    )


def test_it_names_every_fault_point() -> None:
    assert all(point in _comment_above("chaos.rates") for point in FAULT_POINTS)
