import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import jwt
import msgspec
import pytest
import yaml
from click.testing import CliRunner, Result

from ordersys import __version__
from ordersys.__main__ import cli
from ordersys.config import EXAMPLE_SECRET, ROLES, Settings
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.postgres import migrate, seed
from ordersys.workshop.load import generator
from ordersys.workshop.load.client import Unreachable
from ordersys.workshop.load.flights import NoFlights
from ordersys.workshop.load.report import LoadReport, Spread
from ordersys.workshop.stack import commands
from ordersys.workshop.stack.state import StackError, StateFolder, UpOptions

NAMES = sorted(cli.commands)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ordersys(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, env=env, catch_exceptions=True)


@dataclass
class FakeStack:
    """Stands where the embedded stack does and writes down what it was asked."""

    asked: list[Any] = field(default_factory=list)
    refusal: Exception | None = None
    servers: dict[str, str] = field(default_factory=dict)

    def up(self, options: UpOptions) -> None:
        self.asked.append(options)
        if self.refusal:
            raise self.refusal

    def down(self, state: Path) -> list[str]:
        return ["api", "postgres"]

    def status(self, state: Path, *, as_json: bool) -> str:
        return '{"services":[]}' if as_json else "nothing"

    def addresses(self, state: Path) -> dict[str, str]:
        return self.servers

    def logs(self, name: str | None, *, follow: bool, state: Path) -> Iterator[str]:
        yield f"{name}: one"
        if follow:
            raise KeyboardInterrupt


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    fake = FakeStack()
    for name in ("up", "down", "status", "addresses", "logs"):
        monkeypatch.setattr(commands, name, getattr(fake, name))
    return fake


@pytest.fixture
def databases(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that `migrate` and `seed` were sent to."""
    used: list[str] = []

    async def upgrade(url: str) -> None:
        used.append(url)

    async def plant(url: str, *, number: int, today: object, days: int) -> int:
        used.append(url)
        return 7

    monkeypatch.setattr(migrate, "upgrade", upgrade)
    monkeypatch.setattr(seed, "seed", plant)
    return used


def pretend_up_was_here(servers: dict[str, str], fake: FakeStack, config: Path | None = None) -> None:
    folder = Path(".ordersys")
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    StateFolder(path=folder).write_options(UpOptions(config=config))
    fake.servers = servers


@pytest.mark.parametrize(
    "command", ["", *NAMES, "config check", "config show", "chaos show", "chaos set", "chaos off", "chaos reset"]
)
def test_help_and_version_are_everywhere(command: str) -> None:
    parts = command.split()

    assert ordersys(*parts, "--help").exit_code == 0
    assert __version__ in ordersys(*parts, "--version").output


def test_the_commands_are_those_of_the_contract() -> None:
    contract = "audit chaos config dlq down load logs migrate outbox run seed status token up"

    assert contract.split() == NAMES


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run"],
        ["run", "--role", "king"],
        ["up", "--scale", "worker"],
        ["up", "--drop", "1.5"],
        ["token"],
        ["token", "--user", "ann", "--role", "king"],
        ["token", "--user", "a\nb"],
        ["load", "--rate", "1"],
        ["load", "--rate", "0", "--duration", "1"],
        ["load", "--rate", "1000000", "--duration", "3600"],
        ["config", "check", "--config", "missing.yaml"],
    ],
)
def test_wrong_use_is_exit_code_2_without_a_traceback(arguments: list[str]) -> None:
    result = ordersys(*arguments)

    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    "command", ["config check", "run --role=api", "migrate", "up", "token --user=ann", "chaos show"]
)
def test_a_refused_configuration_is_exit_code_2_with_the_path_of_the_key(command: str) -> None:
    result = ordersys(*command.split(), env={"ORDERSYS__HTTP__PORT": "high"})

    assert result.exit_code == 2
    assert "http.port: Expected `int`, got `str` (environment ORDERSYS__HTTP__PORT)" in result.stderr


def test_a_valid_configuration_is_said_to_be_valid() -> None:
    assert "valid" in ordersys("config", "check").output


@pytest.mark.parametrize("place", ["before", "behind"])
def test_the_file_can_be_named_before_or_behind_the_command(place: str) -> None:
    Path("mine.yaml").write_text("orders: {max_items: 3}\n")
    named, command = ["--config", "mine.yaml"], ["config", "show"]

    result = ordersys(*(named + command if place == "before" else command + named))

    assert "max_items: 3  # mine.yaml" in result.output


def test_what_is_shown_is_yaml_with_every_key_and_without_secrets() -> None:
    result = ordersys("config", "show", env={"ORDERSYS__KAFKA__SASL_PASSWORD": "hunter2"})

    shown = yaml.safe_load(result.output)
    assert set(shown) == set(Settings.__struct_fields__)
    assert shown["kafka"]["batch_size"] == Settings().kafka.batch_size
    assert "hunter2" not in result.output
    assert EXAMPLE_SECRET not in result.output


@pytest.mark.parametrize("role", ROLES)
def test_a_role_runs_with_the_settings(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, str]] = []

    async def run_role(role: str, settings: Settings, extend: object) -> None:
        ran.append((role, settings.instance))

    _provide(monkeypatch, "ordersys.bootstrap.roles", run_role=run_role)

    assert ordersys("run", f"--role={role}", env={"ORDERSYS__INSTANCE": "one"}).exit_code == 0
    assert ran == [(role, "one")]


def test_a_server_that_is_away_ends_a_role_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_role(role: str, settings: Settings, extend: object) -> None:
        raise Unavailable("kafka")

    _provide(monkeypatch, "ordersys.bootstrap.roles", run_role=run_role)

    result = ordersys("run", "--role=worker")

    assert (result.exit_code, result.stderr) == (1, "Error: kafka cannot be reached\n")


def _provide(monkeypatch: pytest.MonkeyPatch, name: str, **content: Callable[..., Any]) -> None:
    """The real module would load every vendor's library."""
    module = ModuleType(name)
    for attribute, value in content.items():
        setattr(module, attribute, value)
    monkeypatch.setitem(sys.modules, name, module)


def test_up_passes_on_scale_drop_and_file(running: FakeStack) -> None:
    Path("mine.yaml").write_text("{}")

    words = "--scale worker=2 --scale ticket=3 --drop 0.5 --config mine.yaml --postgres-via localhost:6432"
    ordersys("up", *words.split())

    options = running.asked[0]
    assert options.postgres_via == "localhost:6432"
    assert (dict(options.scale), options.publish_drop) == ({"worker": 2, "ticket": 3}, 0.5)
    assert options.config == Path("mine.yaml")


def test_the_demo_drops_a_fifth_unless_the_configuration_says_otherwise(running: FakeStack) -> None:
    ordersys("up")
    ordersys("up", env={"ORDERSYS__CHAOS__RATES": "{publish.drop: 0}"})

    assert [options.publish_drop for options in running.asked] == [0.2, 0]


def test_up_is_no_way_to_run_production(running: FakeStack) -> None:
    production = {
        "ORDERSYS__ENVIRONMENT": "production",
        "ORDERSYS__AUTH__DEMO": "false",
        "ORDERSYS__AUTH__SECRET": "s" * 32,
    }

    assert ordersys("up", env=production).exit_code == 2
    assert not running.asked


@pytest.mark.parametrize("code", [1, 2])
def test_what_the_stack_refuses_is_told_with_its_exit_code(running: FakeStack, code: int) -> None:
    running.refusal = StackError("no room", code)

    result = ordersys("up")

    assert (result.exit_code, result.stderr) == (code, "Error: no room\n")


def test_down_status_and_logs_say_what_the_stack_says(running: FakeStack) -> None:
    assert ordersys("down").output == "Stopped: api, postgres\n"
    assert ordersys("status", "--json").output == '{"services":[]}\n'
    assert ordersys("logs", "api").output == "api: one\n"


def test_following_the_logs_ends_quietly(running: FakeStack) -> None:
    result = ordersys("logs", "--follow")

    assert (result.exit_code, result.stderr) == (0, "")


def test_migrate_and_seed_use_the_configured_database(databases: list[str]) -> None:
    url = "postgresql+asyncpg://u@db/orders"

    assert ordersys("migrate", env={"ORDERSYS__POSTGRES__URL": url}).exit_code == 0
    assert ordersys("seed", env={"ORDERSYS__POSTGRES__URL": url}).output == "Added 7 flights.\n"
    assert databases == [url, url]


def test_a_drifted_schema_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(url: str) -> None:
        raise migrate.SchemaDrift("behind")

    monkeypatch.setattr(migrate, "check", check)

    result = ordersys("migrate", "--check")

    assert (result.exit_code, result.stderr) == (1, "Error: The schema is not up to date: behind\n")


STACK_URL, OTHER_URL = "postgresql+asyncpg://u@stack/x", "postgresql+asyncpg://u@other/x"


@pytest.mark.parametrize(
    ("arguments", "env", "used"),
    [
        ([], {}, STACK_URL),
        ([], {"ORDERSYS__POSTGRES__URL": OTHER_URL}, OTHER_URL),
        (["--config", "other.yaml"], {}, OTHER_URL),
    ],
)
def test_a_running_stack_is_meant_unless_something_else_is_said(
    running: FakeStack, databases: list[str], arguments: list[str], env: dict[str, str], used: str
) -> None:
    Path("other.yaml").write_text(f"postgres: {{url: '{OTHER_URL}'}}\n")
    Path("config.yaml").write_text("postgres: {url: 'postgresql+asyncpg://u@copied-from-the-example/x'}\n")
    pretend_up_was_here({"ORDERSYS__POSTGRES__URL": STACK_URL}, running)

    assert ordersys("migrate", *arguments, env=env).exit_code == 0
    assert databases == [used]


def test_a_stack_that_does_not_run_any_more_is_not_meant(running: FakeStack, databases: list[str]) -> None:
    pretend_up_was_here({}, running)

    ordersys("migrate")

    assert databases == [Settings().postgres.url.reveal()]


def test_the_stacks_own_file_counts_for_its_tokens(running: FakeStack) -> None:
    Path("mine.yaml").write_text("auth: {issuer: mine}\n")
    pretend_up_was_here({"ORDERSYS__REDIS__URL": "redis://stack:1"}, running, config=Path("mine.yaml").absolute())

    token = ordersys("token", "--user", "ann", "--role", "operator").output.strip()

    claims = jwt.decode(token, EXAMPLE_SECRET, algorithms=["HS256"], audience="ordersys", issuer="mine")
    assert (claims["sub"], claims["roles"]) == ("ann", ["operator"])


def test_no_token_is_made_when_demo_tokens_are_off() -> None:
    assert ordersys("token", "--user", "ann", env={"ORDERSYS__AUTH__DEMO": "false"}).exit_code == 2


def test_load_needs_another_machine_to_be_named() -> None:
    result = ordersys("load", "--rate", "1", "--duration", "1", env={"ORDERSYS__HTTP__HOST": "10.0.0.1"})

    assert result.exit_code == 2
    assert "--api http://10.0.0.1:8080" in result.stderr


@pytest.mark.parametrize(
    ("error", "said"), [(Unreachable("refused"), "check that it is running"), (NoFlights(), "ordersys seed")]
)
def test_load_says_why_it_cannot_begin(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    async def run_load(plan: Any, **rest: Any) -> None:
        raise error

    monkeypatch.setattr(generator, "run_load", run_load)

    result = ordersys("load", "--rate", "1", "--duration", "1", "--api", "http://10.0.0.1")

    assert result.exit_code == 1
    assert said in result.stderr


def test_load_takes_over_how_long_it_tries_and_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Any] = []

    async def run_load(plan: Any, **rest: Any) -> None:
        plans.append(plan)
        raise NoFlights

    monkeypatch.setattr(generator, "run_load", run_load)

    ordersys("load", "--rate", "1", "--duration", "1", "--retry-within", "7", "--within", "8")

    assert [(plan.retry_for, plan.follow_for) for plan in plans] == [(7, 8)]


@pytest.mark.parametrize(("unfinished", "exit_code"), [((), 0), (("o1",), 1)])
def test_the_exit_code_of_load_says_whether_all_orders_ended(
    monkeypatch: pytest.MonkeyPatch, unfinished: tuple[str, ...], exit_code: int
) -> None:
    async def run_load(plan: Any, **rest: Any) -> LoadReport:
        spread = Spread(p50=1, p99=2, max=3)
        return LoadReport(
            sent=plan.count,
            accepted=plan.count,
            refused={},
            failed={},
            retried=0,
            seconds=1,
            request=spread,
            lateness=spread,
            final={"COMPLETED": plan.count},
            saga=spread,
            unfinished=unfinished,
        )

    monkeypatch.setattr(generator, "run_load", run_load)

    shown = ordersys("load", "--rate", "10", "--duration", "2", "--json")
    table = ordersys("load", "--rate", "10", "--duration", "2")

    assert (shown.exit_code, table.exit_code) == (exit_code, exit_code)
    assert msgspec.json.decode(shown.stdout)["final"] == {"COMPLETED": 20}
    assert "20 COMPLETED" in table.stdout
