"""`up`, `down`, `status` and `logs` over the real servers; the roles have their own tests from end to end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ordersys.workshop.stack import commands, leftovers
from ordersys.workshop.stack.parts import assemble
from ordersys.workshop.stack.servers import ports, processes
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.state import StackError, StackState, StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import ChildState
from tests.waiting import eventually_blocking

SERVERS = ["postgres", "valkey", "kafka"]
pytestmark = pytest.mark.timeout(180)


def prepared(path: Path) -> StateFolder:
    """With ports of its own: the usual ones may be a real stack's."""
    folder = StateFolder(path=path)
    folder.create()
    chosen: list[int] = []
    for _ in range(4):
        chosen.append(ports.choose((), taken=chosen))
    folder.write_ports(dict(zip([*SERVERS, "kafka-controller"], chosen, strict=True)))
    return folder


def options(folder: StateFolder) -> UpOptions:
    return UpOptions(state=folder.path, roles=False)


def pids(folder: StateFolder) -> dict[str, int]:
    return {service.name: service.pid for service in commands.services(folder.path) if service.pid}


def service(folder: StateFolder, name: str) -> ChildState:
    return next(service for service in commands.services(folder.path) if service.name == name)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[StateFolder]:
    folder = prepared(tmp_path / ".ordersys")
    yield folder
    commands.down(folder.path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateFolder]:
    folder = prepared(tmp_path_factory.mktemp("stack") / ".ordersys")
    commands.up(options(folder))
    yield folder
    commands.down(folder.path)


def test_status_tells_programs_what_runs(running: StateFolder) -> None:
    told = json.loads(commands.status(running.path, as_json=True))["services"]
    assert [entry["name"] for entry in told] == SERVERS
    for entry in told:
        assert set(entry) == {"name", "kind", "pid", "address", "ready", "restarts"}
        assert (entry["kind"], entry["ready"]) == ("server", True)
        assert processes.identity(entry["pid"])


def test_status_tells_people_too(running: StateFolder) -> None:
    shown = commands.status(running.path)
    assert all(f"{name} " in shown for name in SERVERS)
    assert shown.startswith("NAME")


def test_the_addresses_are_told_as_settings(running: StateFolder) -> None:
    told = commands.addresses(running.path)
    assert told["ORDERSYS__POSTGRES__URL"].startswith("postgresql+asyncpg://ordersys:")
    assert told["ORDERSYS__REDIS__URL"] == service(running, "valkey").address
    assert told["ORDERSYS__KAFKA__BOOTSTRAP_SERVERS"] == service(running, "kafka").address


def test_a_second_up_says_that_it_runs_and_changes_nothing(
    running: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pids(running)
    commands.up(options(running))
    assert "already running" in capsys.readouterr().out
    assert pids(running) == before


def test_a_killed_server_comes_back_on_its_port_and_is_counted(running: StateFolder) -> None:
    before = service(running, "valkey")
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    after = wait_for_restart(running, before)
    assert after.restarts == before.restarts + 1
    assert after.address == before.address


def wait_for_restart(folder: StateFolder, before: ChildState) -> ChildState:
    def came_back() -> ChildState | None:
        now = service(folder, before.name)
        return now if now.ready and now.pid != before.pid else None

    found = eventually_blocking(came_back, within=20)
    assert found is not None
    return found


def test_logs_are_those_of_the_part_or_of_all(running: StateFolder) -> None:
    assert any("ready to accept connections" in line for line in commands.logs("postgres", state=running.path))
    assert any(line.startswith("supervisor | ") for line in commands.logs(state=running.path))
    with pytest.raises(StackError, match="no log of 'nobody'"):
        list(commands.logs("nobody", state=running.path))


def test_down_leaves_nothing_and_may_be_said_twice(home: StateFolder) -> None:
    commands.up(options(home))
    ran = pids(home)
    assert commands.down(home.path) == SERVERS
    assert [processes.identity(pid) for pid in ran.values()] == [None, None, None]
    assert commands.services(home.path) == []
    assert commands.down(home.path) == []


def test_after_kill_9_of_everything_a_second_up_finds_its_data(home: StateFolder) -> None:
    commands.up(options(home))
    first = pids(home)
    address = service(home, "valkey").address
    with redis.Redis.from_url(address) as client:
        client.set("cart", "two seats")
        client.waitaof(1, 0, 5000)
    supervisor = home.read()
    assert supervisor
    everything = [supervisor.pid, *first.values()]
    for pid in everything:
        os.kill(pid, signal.SIGKILL)
    eventually_blocking(lambda: not any(processes.identity(pid) for pid in everything))
    assert [service.phase for service in commands.services(home.path)] == ["stopped"] * 3
    commands.up(options(home))
    assert service(home, "valkey").address == address
    with redis.Redis.from_url(address) as client:
        assert client.get("cart") == b"two seats"


def test_a_supervisor_that_is_killed_takes_its_servers_along(home: StateFolder) -> None:
    commands.up(options(home))
    ran = pids(home)
    state = home.read()
    assert state
    os.kill(state.pid, signal.SIGKILL)
    eventually_blocking(lambda: not any(processes.identity(pid) for pid in ran.values()), within=20)
    assert [service.phase for service in commands.services(home.path)] == ["stopped"] * 3
    commands.down(home.path)
    assert commands.services(home.path) == []


def test_a_start_that_fails_names_the_part_and_leaves_nothing(home: StateFolder) -> None:
    (home.path / "postgres").mkdir()
    (home.path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(StackError, match=r"postgres could not be started: .* holds data of PostgreSQL 15"):
        commands.up(options(home))
    state = home.read()
    assert state
    assert state.phase == "failed"
    assert [service.pid for service in state.services] == [None] * len(state.services)
    assert not state.supervised


def test_a_taken_port_is_replaced(home: StateFolder) -> None:
    with socket.socket() as stranger:
        stranger.bind((ports.HOST, home.read_ports()["valkey"]))
        stranger.listen()
        commands.up(options(home))
        assert service(home, "valkey").address != f"redis://{ports.HOST}:{stranger.getsockname()[1]}/0"


def test_a_port_lost_before_the_first_start_is_replaced_and_one_in_use_never_is(home: StateFolder) -> None:
    book = assemble(home, options(home)).ports
    chosen = dict(book.chosen)
    with socket.socket() as stranger:
        stranger.bind((ports.HOST, chosen["valkey"]))
        stranger.listen()
        book.settle("valkey")
        assert book["valkey"] != chosen["valkey"]
        assert home.read_ports()["valkey"] == book["valkey"]
        late = assemble(home, options(home), running=["valkey"]).ports
        late.chosen["valkey"] = chosen["valkey"]
        with pytest.raises(EmbeddedError, match="is taken"):
            late.settle("valkey")


def test_a_state_that_cannot_be_written_ends_the_start(home: StateFolder) -> None:
    (home.path / "state.json").mkdir()
    with pytest.raises(StackError, match="cannot be written"):
        commands.up(options(home))
    (home.path / "state.json").rmdir()
    (home.path / "options.json").unlink()
    (home.path / "options.json").mkdir()
    with pytest.raises(StackError, match="cannot be written"):
        commands.up(options(home))


def test_ctrl_c_takes_back_what_was_begun(home: StateFolder) -> None:
    program = (
        # Where the tests run in the background of a script, the shell has them ignore SIGINT.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import pathlib, sys; from ordersys.workshop.stack import commands, state\n"
        "commands.up(state.UpOptions(state=pathlib.Path(sys.argv[1]), roles=False))"
    )
    command = [sys.executable, "-c", program, str(home.path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starting:
        eventually_blocking(lambda: "valkey" in pids(home), within=20)
        begun = [*pids(home).values(), starting.pid]
        starting.send_signal(signal.SIGINT)
        starting.wait(30)
    state = home.read()
    assert state
    assert not state.supervised
    assert commands.services(home.path) == []
    assert [processes.identity(pid) for pid in begun] == [None] * len(begun)


def test_two_ups_at_once_are_refused(home: StateFolder) -> None:
    with home.locked("up", ""), pytest.raises(StackError, match="another `ordersys up`"):
        commands.up(options(home))


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def left(home: StateFolder, pid: int, identity: str | None) -> list[str]:
    role = ChildState(name="worker", kind="role", pid=pid, identity=identity, phase="ready")
    home.write(StackState(phase="running", pid=pid, identity="a supervisor that is gone", services=[role]))
    return leftovers.end(home, lambda _: None)


def test_what_outlived_its_supervisor_is_ended(home: StateFolder, stranger: "subprocess.Popen[bytes]") -> None:
    assert left(home, stranger.pid, processes.identity(stranger.pid)) == ["worker"]
    assert stranger.wait(5) == -signal.SIGTERM


def test_a_stranger_with_the_number_of_a_former_child_is_left_alone(
    home: StateFolder, stranger: "subprocess.Popen[bytes]"
) -> None:
    assert left(home, stranger.pid, "one that had this number before") == []
    assert stranger.poll() is None


def test_end_never_signals_a_process_with_another_identity(stranger: "subprocess.Popen[bytes]") -> None:
    assert processes.end(stranger.pid, "the former owner of this number", ask=signal.SIGTERM, patience=0)

    assert stranger.poll() is None
