"""`ordersys up`, `down`, `status`, `logs`: what the command line does with the embedded stack of a state folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ordersys.workshop.stack import display, leftovers
from ordersys.workshop.stack.display import Display
from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.servers.child import last_lines
from ordersys.workshop.stack.state import RUNS, StackError, StackState, StateFolder, UpOptions
from ordersys.workshop.stack.supervision.children import ChildState

STATE = Path(".ordersys")
POLL_SECONDS = 0.1
# Longer than the supervisor itself takes when every part has to be killed.
DOWN_SECONDS = 60.0
_supervisors: list["subprocess.Popen[bytes]"] = []


def up(options: UpOptions) -> None:
    """Returns when everything answers and is printed; raises StackError, and leaves nothing running then."""
    from ordersys.workshop.stack.parts import check_detour, check_scale

    options = replace(options, state=options.state.absolute(), config=options.config and options.config.absolute())
    check_scale(options.scale)
    check_detour(options.postgres_via)
    folder = StateFolder(path=options.state)
    folder.create()
    with folder.locked("up", f"another `ordersys up` is starting the stack in {options.state} just now"), _written():
        state = folder.read()
        runs = state if state and state.supervised else None
        state = _change(folder, runs, options) if runs else _start(folder, options)
    display.summary(state)


def down(state: Path = STATE) -> list[str]:
    """Ends what `up` started there, leftovers of a killed supervisor included. The names of what was ended."""
    folder = StateFolder(path=state.absolute())
    known = folder.read()
    if known is None or known.phase not in RUNS:
        return []
    ended = [service.name for service in known.services if service.pid] if known.supervised else []
    if known.supervised:
        _end_supervisor(known)
    ended += leftovers.end(folder, lambda _: None)
    last = folder.read() or known
    if last.phase in RUNS:
        folder.write(replace(last, phase="stopped", services=()))
    _collect()
    return ended


def services(state: Path = STATE) -> list[ChildState]:
    """Servers, roles and page with what is true of them now: after a crash of the supervisor nothing is ready."""
    known = StateFolder(path=state.absolute()).read()
    if known is None or known.phase not in RUNS:
        return []
    shown = [service for service in known.services if service.kind != "job"]
    return shown if known.supervised else [_orphan(service) for service in shown]


def status(state: Path = STATE, *, as_json: bool = False) -> str:
    """Prints a table, or the JSON of docs/reference/cli.md."""
    rows = services(state)
    if as_json:
        return json.dumps({"services": [_public(service) for service in rows]})
    if not rows:
        return "nothing is running; `ordersys up` starts it"
    known = StateFolder(path=state.absolute()).read()
    return "\n".join([display.table(rows), *display.page_line(rows, known.no_page if known else "")])


def addresses(state: Path = STATE) -> Mapping[str, str]:
    """Where the servers of a running stack are, as environment names of the settings; empty when none runs."""
    by_name = {service.name: service.address for service in services(state) if service.pid and service.address}
    names = {"valkey": "ORDERSYS__REDIS__URL", "kafka": "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS"}
    found = {variable: by_name[name] for name, variable in names.items() if name in by_name}
    if "postgres" in by_name:
        found["ORDERSYS__POSTGRES__URL"] = by_name["postgres"].replace("postgresql://", "postgresql+asyncpg://", 1)
    return found


def logs(name: str | None = None, *, follow: bool = False, lines: int = 100, state: Path = STATE) -> Iterator[str]:
    """The last lines of one part, or of all with its name before each; goes on for ever with `follow`."""
    folder = StateFolder(path=state.absolute())
    files = {log.stem: log for log in sorted(folder.logs.glob("*.log"))}
    if name is not None and name not in files:
        raise StackError(f"there is no log of {name!r}; there are: {', '.join(files) or 'none'}", 2)
    chosen = {name: files[name]} if name is not None else files
    prefix = {part: "" if name is not None else f"{part} | " for part in chosen}
    read = {part: _size(log) for part, log in chosen.items()}
    for part, log in chosen.items():
        yield from (prefix[part] + line for line in last_lines(log, lines).splitlines())
    while follow:
        time.sleep(POLL_SECONDS)
        for part, log in chosen.items():
            text, read[part] = _read_on(log, read[part])
            yield from (prefix[part] + line for line in text.splitlines())


@contextmanager
def _written() -> Iterator[None]:
    """A full disk is no bug of ours."""
    try:
        yield
    except OSError as error:
        raise StackError(f"{error.filename or 'the state folder'} cannot be written: {error.strerror}") from error


def _start(folder: StateFolder, options: UpOptions) -> StackState:
    folder.write_options(options)
    command = [sys.executable, "-m", "ordersys.workshop.stack.daemon", str(folder.path)]
    with folder.log("supervisor").open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    _supervisors.append(process)
    try:
        return _await_start(folder, process)
    except BaseException:
        # Ctrl-C included: what was begun is taken back.
        _end_process(process)
        raise


def _await_start(folder: StateFolder, process: "subprocess.Popen[bytes]") -> StackState:
    with Display() as shown:
        while True:
            ended = process.poll() is not None
            state = folder.read()
            if state is not None and state.pid == process.pid:
                shown.show(state)
                if state.error:
                    raise StackError(state.error)
                if state.phase == "running" and all(service.settled for service in state.services):
                    return state
            if ended:
                raise StackError(f"the supervisor ended:\n{last_lines(folder.log('supervisor'))}")
            time.sleep(POLL_SECONDS)


def _change(folder: StateFolder, state: StackState, options: UpOptions) -> StackState:
    """A running stack takes over another scale; everything else it was started with stays."""
    before = folder.read_options()
    sys.stdout.write("The stack is already running.\n")
    if dict(options.scale) == dict(before.scale) or not options.scale:
        return state
    folder.write_options(replace(before, scale=options.scale))
    os.kill(state.pid, signal.SIGHUP)
    from ordersys.workshop.stack.parts import instances

    wanted = {name for _, name in instances(replace(before, scale=options.scale))}
    return _await_change(folder, wanted)


def _await_change(folder: StateFolder, wanted: set[str]) -> StackState:
    deadline = time.monotonic() + DOWN_SECONDS
    while time.monotonic() < deadline:
        state = folder.read()
        roles = {service.name for service in state.services if service.kind == "role"} if state else set()
        if state and roles == wanted and all(service.settled for service in state.services):
            return state
        time.sleep(POLL_SECONDS)
    raise StackError("the new scale is not in place yet; `ordersys status` and `ordersys logs` say more")


def _end_supervisor(state: StackState) -> None:
    processes.end(state.pid, state.identity, ask=signal.SIGTERM, patience=DOWN_SECONDS)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(DOWN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _collect() -> None:
    """Supervisors that this very process started and that have ended by now."""
    _supervisors[:] = [process for process in _supervisors if process.poll() is None]


def _orphan(service: ChildState) -> ChildState:
    lives = service.pid and service.identity and processes.alive(service.pid, service.identity)
    left = replace(service, phase="unready", detail="its supervisor is gone")
    return left if lives else replace(left, phase="stopped", pid=None)


def _public(service: ChildState) -> dict[str, Any]:
    return {
        "name": service.name,
        "kind": service.kind,
        "pid": service.pid,
        "address": service.address,
        "ready": service.ready,
        "restarts": service.restarts,
    }


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _read_on(log: Path, offset: int) -> tuple[str, int]:
    """The whole lines behind the offset; from the start again when the file was cut meanwhile."""
    size = _size(log)
    if size == offset:
        return "", offset
    with log.open("rb") as content:
        content.seek(offset if size > offset else 0)
        whole = content.read().rpartition(b"\n")
        return whole[0].decode(errors="replace"), content.tell() - len(whole[2])
