import os
import stat
from pathlib import Path

import pytest

from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.state import StackError, StackState, StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import ChildState


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(path=tmp_path / ".ordersys")
    folder.create()
    return folder


def state(**changes: object) -> StackState:
    mine = processes.identity(os.getpid()) or ""
    api = ChildState(name="api", kind="role", phase="ready", pid=7, identity="seven", restarts=2)
    return StackState(**{"phase": "running", "pid": os.getpid(), "identity": mine, "services": [api]} | changes)  # type: ignore[arg-type]  # a test's shorthand


def test_what_is_written_is_read(folder: StateFolder) -> None:
    folder.write(state())
    assert folder.read() == state()


def test_nobody_else_may_read_the_state_for_it_holds_a_password(folder: StateFolder) -> None:
    folder.write(state())
    assert stat.S_IMODE((folder.path / "state.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"phase": "running"}', '{"services": [{"colour": "red"}]}'])
def test_a_state_that_cannot_be_understood_counts_as_none(folder: StateFolder, content: str) -> None:
    (folder.path / "state.json").write_text(content)
    assert folder.read() is None


def test_a_state_knows_whether_its_supervisor_lives() -> None:
    assert state().supervised
    assert not state(identity="a process that had this number before").supervised


def test_options_survive_the_way_to_the_supervisor(folder: StateFolder) -> None:
    options = UpOptions(state=folder.path, scale={"worker": 2}, publish_drop=0.5, config=Path("/etc/ordersys.yaml"))
    folder.write_options(options)
    assert folder.read_options() == options


def test_ports_that_cannot_be_understood_are_forgotten(folder: StateFolder) -> None:
    (folder.path / "ports.json").write_text("[5432]")
    assert folder.read_ports() == {}


def test_only_one_holds_a_lock(folder: StateFolder) -> None:
    refusal = "somebody is at it"
    with folder.locked("up", refusal), pytest.raises(StackError, match=refusal), folder.locked("up", refusal):
        raise AssertionError("taken twice")
    with folder.locked("up", refusal):
        assert (folder.path / "up.lock").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot be written") as refusal:
        StateFolder(path=tmp_path / "file" / ".ordersys").create()
    assert refusal.value.exit_code == 2
