"""`ordersys chaos` over a real database."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ordersys.__main__ import cli


@pytest.fixture
def environ(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"ORDERSYS__POSTGRES__URL": database_url, "ORDERSYS__CHAOS__RATES": '{"publish.drop": 0.2}'}


def chaos(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["chaos", *arguments], env=environ)


def effective(environ: dict[str, str]) -> dict[str, float]:
    """The points that are on."""
    shown = chaos(environ, "show", "--json")
    assert shown.exit_code == 0, shown.output
    return {point["point"]: point["effective"] for point in json.loads(shown.output)["points"] if point["effective"]}


def test_without_a_change_the_configuration_holds(environ: dict[str, str]) -> None:
    assert effective(environ) == {"publish.drop": 0.2}


def test_set_off_and_reset(environ: dict[str, str]) -> None:
    assert chaos(environ, "set", "publish.drop", "0.5").exit_code == 0
    assert chaos(environ, "set", "consume.fail", "0.1").exit_code == 0
    assert effective(environ) == {"publish.drop": 0.5, "consume.fail": 0.1}

    assert chaos(environ, "off").exit_code == 0
    assert effective(environ) == {}

    assert chaos(environ, "reset").exit_code == 0
    assert effective(environ) == {"publish.drop": 0.2}


def test_the_table_says_who_has_set_a_rate(environ: dict[str, str]) -> None:
    chaos(environ, "set", "publish.drop", "0.5")

    lines = chaos(environ, "show").output.splitlines()

    (line,) = [line for line in lines if line.startswith("publish.drop")]
    assert line.split()[1:3] == ["0.2", "0.5"]
    assert "command line" in line


@pytest.mark.parametrize("arguments", [["set", "publish.dorp", "0.5"], ["set", "publish.drop", "1.5"], ["set"]])
def test_wrong_use_is_exit_code_2(environ: dict[str, str], arguments: list[str]) -> None:
    assert chaos(environ, *arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["set", "publish.drop", "0.5"], ["set", "publish.drop", "0"], ["off"]])
def test_in_production_every_change_is_refused(environ: dict[str, str], arguments: list[str]) -> None:
    production = {
        "ORDERSYS__POSTGRES__URL": environ["ORDERSYS__POSTGRES__URL"],
        "ORDERSYS__CHAOS__RATES": "{}",
        "ORDERSYS__ENVIRONMENT": "production",
        "ORDERSYS__AUTH__DEMO": "false",
        "ORDERSYS__AUTH__SECRET": "a-secret-of-our-own-that-is-long-enough",
    }

    refused = chaos(production, *arguments)

    assert (refused.exit_code, "environment: production" in refused.stderr) == (2, True)
    assert effective(environ) == {"publish.drop": 0.2}


def test_without_a_database_it_cannot_be_done(environ: dict[str, str]) -> None:
    nowhere = {**environ, "ORDERSYS__POSTGRES__URL": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"}

    assert chaos(nowhere, "show").exit_code == 1
