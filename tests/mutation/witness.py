"""What a child tells of its tests: a plugin of pytest (`-p tests.mutation.witness`).

It refuses to run when the package that is tested is not the copy in `MUTATED_SRC`, and writes to `MUTATION_REPORT` how
each test ended.
"""

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import ordersys

PASSED = "passed"
_ended: dict[str, str] = {}


def pytest_configure() -> None:
    if not _is_copied(ordersys.__file__):
        raise pytest.UsageError(f"the tests would run on {ordersys.__file__}, not on the copy")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The first thing that went wrong counts; before and after the test itself it is an error, not a failure."""
    report = yield
    if call.excinfo:
        where = "" if call.when == "call" else f" in {call.when}"
        _ended.setdefault(item.nodeid, f"{call.excinfo.typename}{where}: {str(call.excinfo.value)[:400]}")
    elif call.when == "teardown":
        _ended.setdefault(item.nodeid, PASSED)
    return report


def pytest_sessionfinish() -> None:
    ordersys_modules: list[Any] = [module for name, module in sys.modules.items() if name.split(".")[0] == "ordersys"]
    strange = [module.__file__ for module in ordersys_modules if module.__file__ and not _is_copied(module.__file__)]
    if not strange:
        Path(os.environ["MUTATION_REPORT"]).write_text(json.dumps(_ended))


def _is_copied(file: str | None) -> bool:
    return file is not None and Path(file).is_relative_to(os.environ["MUTATED_SRC"])
