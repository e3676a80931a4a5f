"""What the documents name is there: links, files and make targets."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.places import PACKAGE, ROOT, TESTS, shown

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
FILE = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|sh|toml|yaml|md))`")
TARGET = re.compile(r"(?:`|^ *)make ([a-z][\w-]*)", re.MULTILINE)


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def dead_links(text: str, folder: Path) -> Iterator[str]:
    yield from (link for link in LINK.findall(text) if not (folder / link).exists())


def lost_files(text: str) -> Iterator[str]:
    for name in FILE.findall(text):
        if not any((place / name).exists() for place in (ROOT, PACKAGE, TESTS)):
            yield name


def unknown_targets(text: str) -> Iterator[str]:
    known = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    yield from (target for target in TARGET.findall(text) if target not in known)


def wrong(document: Path) -> list[str]:
    text = document.read_text()
    return [*dead_links(text, document.parent), *lost_files(text), *unknown_targets(text)]


@pytest.mark.parametrize("document", documents(), ids=shown)
def test_what_a_document_names_is_there(document: Path) -> None:
    assert wrong(document) == []


@pytest.mark.parametrize(
    "text", ["[gone](docs/gone.md)", "see `usecase/orders/gone.py`", "`make gone`", "    make gone # x"]
)
def test_what_is_not_there_is_seen(tmp_path: Path, text: str) -> None:
    document = tmp_path / "document.md"
    document.write_text(text)

    assert len(wrong(document)) == 1
