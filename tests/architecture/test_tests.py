"""How tests are laid out and how they behave: fakes over mocks, conditions over sleeps, unit tests without I/O."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.places import TESTS, imported, shown

KINDS = {"unit", "contract", "integration", "e2e", "page", "chaos", "architecture", "mutation"}
MAY_SLEEP = {TESTS / "waiting.py"}  # the one place that waits for a condition, with a deadline
MOCKS = ("unittest.mock", "mock", "pytest_mock")
SERVERS = {
    "postgres_server",
    "valkey_server",
    "kafka_server",
    "database_template",
    "database_url",
    "redis_url",
    "topic_prefix",
}
IO = {"asyncpg", "confluent_kafka", "redis", "socket", "sqlalchemy", "subprocess"}


def sleeps(source: str) -> Iterator[int]:
    """Lines that sleep for a time; `asyncio.sleep(0)` only yields to other tasks."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "sleep" and not _only_yields(node):
            yield node.lineno


def _only_yields(sleep: ast.Call) -> bool:
    return [ast.unparse(argument) for argument in sleep.args] == ["0"]


def mocks(source: str) -> list[str]:
    names = {argument.arg for node in ast.walk(ast.parse(source)) for argument in _arguments(node)}
    return [module for module in imported(source) if module.startswith(MOCKS)] + sorted(names & {"mocker"})


def _arguments(node: ast.AST) -> list[ast.arg]:
    return node.args.args if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []


def outside_calls(source: str) -> list[str]:
    """What ties a test to real parts: the server fixtures it asks for, the clients it imports."""
    asked = {argument.arg for node in ast.walk(ast.parse(source)) for argument in _arguments(node)}
    return sorted(asked & SERVERS) + sorted({module.split(".")[0] for module in imported(source)} & IO)


def files() -> list[Path]:
    return sorted(TESTS.rglob("*.py"))


def test_every_test_belongs_to_a_kind() -> None:
    stray = [shown(path) for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] not in KINDS]

    assert stray == []


def test_every_folder_of_tests_is_a_package() -> None:
    lost = {shown(path.parent) for path in files() if not (path.parent / "__init__.py").exists()}

    assert lost == set()


def test_no_test_sleeps() -> None:
    assert [
        f"{shown(path)}:{line}" for path in files() if path not in MAY_SLEEP for line in sleeps(path.read_text())
    ] == []


@pytest.mark.parametrize("line", ["time.sleep(1)", "await asyncio.sleep(0.1)", "sleep(delay)"])
def test_a_sleep_is_seen(line: str) -> None:
    assert list(sleeps(f"async def test_it():\n    {line}\n")) == [2]


def test_no_test_mocks() -> None:
    assert [shown(path) for path in files() if mocks(path.read_text())] == []


@pytest.mark.parametrize("code", ["from unittest.mock import Mock", "import unittest.mock", "def test_it(mocker): ..."])
def test_a_mock_is_seen(code: str) -> None:
    assert mocks(code)


def test_unit_tests_need_no_server() -> None:
    found = {shown(path): outside_calls(path.read_text()) for path in (TESTS / "unit").rglob("*.py")}

    assert {path: calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "code", ["async def test_it(database_url: str): ...", "import socket", "from redis import asyncio"]
)
def test_a_server_in_a_unit_test_is_seen(code: str) -> None:
    assert outside_calls(code)
