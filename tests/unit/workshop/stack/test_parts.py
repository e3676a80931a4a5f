import json
from pathlib import Path

import pytest

from ordersys.workshop.stack.parts import Parts, assemble, check_detour, check_scale, instances
from ordersys.workshop.stack.servers import web_page
from ordersys.workshop.stack.state import StackError, StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import Child


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(path=tmp_path)
    folder.create()
    folder.password_file.write_text("secret\n")
    return folder


def children(folder: StateFolder, options: UpOptions) -> dict[str, Child]:
    return {child.name: child for child in assemble(folder, options).children()}


def test_a_role_scaled_to_two_is_there_under_two_names() -> None:
    names = [name for _, name in instances(UpOptions(scale={"worker": 2, "ticket": 0}))]
    assert names == ["api", "worker", "worker-2", "consumer", "payment"]


@pytest.mark.parametrize("scale", [{"waiter": 1}, {"worker": -1}, {"worker": 17}])
def test_a_scale_that_makes_no_sense_is_refused(scale: dict[str, int]) -> None:
    with pytest.raises(StackError) as refusal:
        check_scale(scale)
    assert refusal.value.exit_code == 2


def test_everybody_gets_a_port_of_its_own(folder: StateFolder) -> None:
    parts = assemble(folder, UpOptions(scale={"worker": 3}))
    chosen = parts.ports.chosen
    assert len(set(chosen.values())) == len(chosen) == 4 + 7


def test_a_port_stays_with_its_folder(folder: StateFolder) -> None:
    first = assemble(folder, UpOptions())
    assert assemble(folder, UpOptions()).ports.chosen == first.ports.chosen


def test_a_running_part_keeps_its_port_when_others_come(folder: StateFolder) -> None:
    folder.write_ports({"api": 1})  # nobody but root could take it: a choice would not
    assert assemble(folder, UpOptions(scale={"worker": 2}), running=["api"]).ports["api"] == 1


def test_roles_come_after_the_jobs_and_jobs_after_the_servers(folder: StateFolder) -> None:
    by_name = children(folder, UpOptions())
    assert set(by_name["api"].after) == {"valkey", "database", "topics"}
    assert by_name["database"].after == ("postgres",)
    assert by_name["topics"].after == ("postgres", "kafka")


def test_a_role_is_told_where_everything_is(folder: StateFolder) -> None:
    parts: Parts = assemble(folder, UpOptions(publish_drop=0.5, scale={"worker": 2}))
    command = next(child for child in parts.children() if child.name == "worker-2").command()
    assert command.argv[1:] == ("-m", "ordersys", "run", "--role=worker")
    assert command.env["ORDERSYS__INSTANCE"] == "worker-2"
    assert command.env["ORDERSYS__HTTP__PORT"] == str(parts.ports["worker-2"])
    assert command.env["ORDERSYS__POSTGRES__URL"] == parts.postgres.url(scheme="postgresql+asyncpg")
    assert json.loads(command.env["ORDERSYS__CHAOS__RATES"]) == {"publish.drop": 0.5}
    assert "ORDERSYS__POSTGRES__URL__FILE" in command.without


def test_roles_and_nobody_else_take_the_detour_to_postgres(folder: StateFolder) -> None:
    by_name = children(folder, UpOptions(postgres_via="127.0.0.1:6432"))

    assert "@127.0.0.1:6432/ordersys" in by_name["api"].command().env["ORDERSYS__POSTGRES__URL"]
    assert "6432" not in by_name["database"].command().env["ORDERSYS__POSTGRES__URL"]
    assert "6432" not in by_name["postgres"].address()


def test_the_page_comes_after_the_api_and_is_told_where_that_is(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_page, "missing", lambda frontend: "")
    parts = assemble(folder, UpOptions(page=True))
    page = parts.children()[-1]

    assert (page.name, page.kind, page.after, page.vital) == ("page", "page", ("api",), False)
    assert page.address() == f"http://127.0.0.1:{parts.ports['page']}"
    assert parts.page.api == f"http://127.0.0.1:{parts.ports['api']}"
    assert parts.no_page == ""


def test_why_there_is_no_page_is_known(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "missing", lambda frontend: "it is not built")
    unwanted, unbuilt = assemble(folder, UpOptions()), assemble(folder, UpOptions(page=True))
    alone = assemble(folder, UpOptions(page=True, scale={"api": 0}))

    assert "page" not in [child.kind for parts in (unwanted, unbuilt, alone) for child in parts.children()]
    assert (unwanted.no_page, unbuilt.no_page) == ("", "it is not built")
    assert "role api" in alone.no_page


@pytest.mark.parametrize("via", ["6432", "localhost:", "localhost:high", ":6432"])
def test_a_detour_that_is_no_address_is_refused(via: str) -> None:
    with pytest.raises(StackError, match="HOST:PORT"):
        check_detour(via)
