"""The supervisor over real processes: small Python programs that stand for servers and roles."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.server import Command, ReportProgress
from ordersys.workshop.stack.supervision.children import Child, ChildFailed, ChildKind, ChildState
from ordersys.workshop.stack.supervision.supervisor import Supervisor, cap_log
from tests.waiting import eventually

WAITS = "import signal; print('up', flush=True); signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)
MARK = "import pathlib, sys; pathlib.Path({!r}).write_text('done')"


@dataclass
class Stage:
    """Makes children that write into one folder, and runs a supervisor over them."""

    folder: Path
    said: list[str] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    up: bool = False
    supervisor: Supervisor = field(init=False)
    task: "asyncio.Task[None]" = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(publish=self._publish, say=self.said.append)

    def child(
        self,
        name: str,
        program: str = WAITS,
        *,
        kind: ChildKind = "role",
        after: tuple[str, ...] = (),
        ready: Callable[[], bool] | None = None,
        alive: Callable[[], bool] = lambda: True,
        prepare: Callable[[ReportProgress], None] = lambda report: None,
        stop_seconds: float = 5.0,
        start_seconds: float = 10.0,
        hung_seconds: float = 10.0,
    ) -> Child:
        log = self.folder / f"{name}.log"
        return Child(
            name=name,
            kind=kind,
            command=lambda: Command(argv=(sys.executable, "-c", program), cwd=self.folder),
            log=log,
            after=after,
            prepare=prepare,
            ready=ready or (lambda: "up" in log.read_text()),
            alive=alive,
            stop_seconds=stop_seconds,
            start_seconds=start_seconds,
            hung_seconds=hung_seconds,
        )

    def __getitem__(self, name: str) -> ChildState:
        return next(state for state in self.supervisor.states if state.name == name)

    async def running(self, *children: Child) -> None:
        """Returns when all are up, or the supervisor has given up."""
        self.task = asyncio.create_task(self.supervisor.run(children, self.stop))
        await eventually(lambda: self.up or self.task.done(), within=10)

    def pid(self, name: str) -> int:
        pid = self[name].pid
        assert pid is not None
        return pid

    def _publish(self, states: Sequence[ChildState], up: bool) -> None:
        self.up = up


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(folder=tmp_path)
    others = asyncio.all_tasks()
    yield stage
    stage.stop.set()
    ours = asyncio.all_tasks() - others - {asyncio.current_task()}
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*ours, return_exceptions=True), 10)


async def test_a_killed_child_comes_back_at_once_and_is_counted(stage: Stage) -> None:
    await stage.running(stage.child("worker"))
    first = stage.pid("worker")
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: stage["worker"].restarts == 1 and stage["worker"].ready, within=2)
    assert stage.pid("worker") != first
    assert stage.said[-2:] == ["worker ended (killed by SIGKILL); restart 1 in 0.1 s", "worker is ready"]


async def test_a_child_that_ends_by_itself_is_restarted_too(stage: Stage) -> None:
    log = stage.folder / "worker.log"
    ends_later = (
        "print('up', flush=True); import pathlib, time\nwhile not pathlib.Path('end').exists(): time.sleep(0.01)\n"
    )
    await stage.running(stage.child("worker", ends_later))
    (stage.folder / "end").touch()
    await eventually(lambda: stage["worker"].restarts >= 2, within=5)
    assert any("worker ended (exit code 0)" in line for line in stage.said)
    assert log.read_text().count("up") >= 2


async def test_children_start_after_what_they_need_and_stop_before_it(stage: Stage) -> None:
    order: list[str] = []
    note = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (print('end', flush=True), sys.exit(0)))\n"
        + WAITS
    )

    def prepared(name: str) -> Callable[[ReportProgress], None]:
        return lambda report: order.append(name)

    await stage.running(
        stage.child("role", note, after=("server",), prepare=prepared("role")),
        stage.child("server", note, kind="server", prepare=prepared("server")),
    )
    assert order == ["server", "role"]
    stage.stop.set()
    await stage.task
    ends = [(stage.folder / f"{name}.log").stat().st_mtime_ns for name in ("role", "server")]
    assert ends == sorted(ends)


async def test_after_a_stop_nothing_runs(stage: Stage) -> None:
    await stage.running(stage.child("one"), stage.child("two", after=("one",)))
    pids = [stage.pid("one"), stage.pid("two")]
    stage.stop.set()
    await stage.task
    assert [processes.identity(pid) for pid in pids] == [None, None]


async def test_a_child_that_does_not_stop_is_killed_in_time(stage: Stage) -> None:
    await stage.running(stage.child("deaf", DEAF, stop_seconds=0.2))
    pid = stage.pid("deaf")
    stage.stop.set()
    await asyncio.wait_for(stage.task, 3)
    assert processes.identity(pid) is None
    assert "deaf did not stop within 0.2 s and is killed" in stage.said


async def test_what_a_child_started_itself_ends_with_it(stage: Stage) -> None:
    parent = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print('up', p.pid, flush=True); p.wait()"
    )
    await stage.running(stage.child("page", parent, kind="page"))
    grandchild = int((stage.folder / "page.log").read_text().split()[1])
    os.kill(stage.pid("page"), signal.SIGKILL)
    await eventually(lambda: processes.identity(grandchild) is None, within=2)


async def test_a_child_that_hangs_is_killed_and_restarted(stage: Stage) -> None:
    answers = {"ready": True}
    child = stage.child(
        "api", ready=lambda: answers["ready"], alive=lambda: answers["ready"], hung_seconds=0.3, start_seconds=5
    )
    await stage.running(child)
    first = stage.pid("api")
    answers["ready"] = False
    await eventually(lambda: stage["api"].restarts == 1, within=5)
    answers["ready"] = True
    await eventually(lambda: stage["api"].ready, within=5)
    assert processes.identity(first) is None
    assert any("gave no answer for 0.3 s" in line for line in stage.said)


async def test_a_child_that_lives_but_is_not_ready_is_left_alone(stage: Stage) -> None:
    answers = {"ready": True}
    signs: list[bool] = []

    def alive() -> bool:
        signs.append(True)
        return True

    await stage.running(stage.child("api", ready=lambda: answers["ready"], alive=alive, hung_seconds=0.2))
    answers["ready"] = False
    await eventually(lambda: stage["api"].phase == "unready" and len(signs) > 10, within=5)
    assert stage["api"].restarts == 0
    answers["ready"] = True
    await eventually(lambda: stage["api"].ready, within=5)


async def test_a_job_runs_once_before_what_comes_after_it(stage: Stage) -> None:
    done, order = stage.folder / "migrated", list[bool]()
    after = stage.child("api", prepare=lambda report: order.append(done.exists()), after=("database",))
    await stage.running(stage.child("database", MARK.format(str(done)), kind="job"), after)
    assert order == [True]
    assert stage["database"].phase == "done"


@pytest.mark.parametrize("kind", ["job", "role"])
async def test_what_cannot_start_ends_the_whole_and_is_named(stage: Stage, kind: ChildKind) -> None:
    await stage.running(stage.child("server"), stage.child("broken", "raise SystemExit(3)", kind=kind))
    with pytest.raises(ChildFailed, match="broken: exit code 3"):
        await stage.task
    assert [state.pid for state in stage.supervisor.states] == [None, None]


async def test_the_whole_comes_up_without_a_child_that_is_not_vital(stage: Stage) -> None:
    page = replace(stage.child("page", "raise SystemExit(3)", kind="page", after=("api",)), vital=False)
    await stage.running(stage.child("api"), page)

    assert stage.up
    assert stage["api"].ready
    assert (stage["page"].phase, stage["page"].detail) == ("failed", "exit code 3")
    assert "page could not be started: exit code 3" in stage.said


async def test_a_refused_configuration_is_not_tried_again(stage: Stage) -> None:
    await stage.running(stage.child("api", "print('refused'); raise SystemExit(2)"))
    with pytest.raises(ChildFailed, match="exit code 2"):
        await stage.task
    assert (stage.folder / "api.log").read_text() == "refused\n"


async def test_a_preparation_that_fails_is_the_reason(stage: Stage) -> None:
    def prepare(report: ReportProgress) -> None:
        raise EmbeddedError("no network")

    await stage.running(stage.child("kafka", prepare=prepare))
    with pytest.raises(ChildFailed, match="no network"):
        await stage.task


async def test_a_child_that_never_answers_fails_the_start(stage: Stage) -> None:
    await stage.running(stage.child("kafka", ready=lambda: False, start_seconds=0.2))
    with pytest.raises(ChildFailed, match=r"gave no answer for 0\.2 s"):
        await stage.task


async def test_the_set_can_change_while_it_runs(stage: Stage) -> None:
    one, two, three = (stage.child(name) for name in ("one", "two", "three"))
    await stage.running(one, two)
    kept, gone = stage.pid("one"), stage.pid("two")
    await stage.supervisor.change([one, three])
    await eventually(lambda: stage["three"].ready, within=5)
    assert stage.pid("one") == kept
    assert processes.identity(gone) is None
    assert [state.name for state in stage.supervisor.states] == ["one", "three"]


async def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from ordersys.workshop.stack.supervision.children import Child\n"
        "from ordersys.workshop.stack.supervision.supervisor import Supervisor\n"
        "from ordersys.workshop.stack.servers.server import Command\n"
        "here = pathlib.Path.cwd()\n"
        "command = lambda: Command(argv=(sys.executable, '-c', 'import signal; signal.pause()'), cwd=here)\n"
        "child = Child(name='role', kind='role', command=command, log=here / 'log')\n"
        "publish = lambda states, up: up and (here / 'pid').write_text(str(states[0].pid))\n"
        "asyncio.run(Supervisor(publish=publish, say=print).run([child], asyncio.Event()))\n"
    )
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=tmp_path)
    pid_file = tmp_path / "pid"
    pid = int(await eventually(lambda: pid_file.read_text() if pid_file.exists() else "", within=10))
    supervisor.kill()
    await supervisor.wait()
    await eventually(lambda: processes.identity(pid) is None, within=3)


def test_a_log_is_cut_at_its_cap_and_the_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old line\n" * 20)
        cap_log(log, size=100)
        writer.write(b"new line\n")
    assert log.read_bytes() == b"new line\n"
    assert log.with_name("worker.log.1").read_bytes() == b"old line\n" * 20
