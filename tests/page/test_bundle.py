"""The page is small, and all of it comes from its own address."""

import gzip
import re
from pathlib import Path

MOST_BYTES = 60_000


def test_all_of_it_is_small(built_page: Path) -> None:
    files = [path for path in (built_page / "dist").rglob("*") if path.is_file()]

    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}

    assert len(sizes) > 2
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_it_loads_nothing_from_elsewhere(built_page: Path) -> None:
    index = (built_page / "dist" / "index.html").read_text()
    styles = "".join(path.read_text() for path in (built_page / "dist").rglob("*.css"))

    assert re.findall(r"""(?:src|href)=["'](?!/[^/])([^"']+)""", index) == []
    assert re.findall(r"""url\(["']?(?!data:)([^)]+)|@import""", styles) == []
