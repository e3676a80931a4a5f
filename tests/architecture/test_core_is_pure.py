"""domain, usecase and messaging import the standard library and each other, and are handed time, chance and ids."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.places import CORE, ROOT, core_files, imported, shown


def foreign(source: str) -> Iterator[str]:
    for module in imported(source):
        parts = module.split(".")
        inside = parts[0] == "ordersys" and parts[1:2] and parts[1] in CORE
        if not inside and parts[0] not in sys.stdlib_module_names:
            yield module


def banned(code: str, file: str) -> str:
    """What ruff says about the banned API in `code`, were it in `file`."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--select", "TID251", "--no-cache"]
    command += ["--output-format", "concise", "--stdin-filename", file, "-"]
    return subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True, check=False).stdout


def test_the_core_imports_the_standard_library_and_itself_only() -> None:
    found = [f"{shown(path)} imports {module}" for path in core_files() for module in foreign(path.read_text())]

    assert found == []


@pytest.mark.parametrize(
    "line", ["import msgspec", "from yaml import safe_load", "import ordersys.infrastructure.postgres"]
)
def test_an_import_from_elsewhere_is_seen_even_inside_a_function(line: str) -> None:
    assert len(list(foreign(f"def lazily() -> None:\n    {line}\n"))) == 1


@pytest.mark.parametrize("layer", CORE)
@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
        "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
        "from uuid import uuid4",
        "import random\nchance = random.random()",
        "import secrets",
        "import os\nsetting = os.environ['X']",
        "from os import getenv",
    ],
)
def test_ruff_refuses_own_time_chance_and_surroundings_in_the_core(layer: str, code: str) -> None:
    assert "TID251" in banned(code, f"src/ordersys/{layer}/orders/planted.py")


def test_the_edge_may_read_the_clock() -> None:
    assert "TID251" not in banned("import time", "src/ordersys/infrastructure/planted.py")
