"""A PostgreSQL that still runs on our data is ended before another starts; a lock file that would bar the way goes.

PostgreSQL refuses to start while any process has the number in postmaster.pid. After a crash that may be a stranger,
whom the start time beside it gives away, or the dead postmaster itself where nobody collects orphans (a container with
no init). A lock file whose number is free stays: it leads PostgreSQL to the memory of backends that are left.
"""

import signal
from pathlib import Path

from ordersys.workshop.stack.servers import processes

_PATIENCE = 15.0
_CLOCK_SLACK = 3.0


def end_postmaster(data: Path) -> None:
    lock = data / "postmaster.pid"
    try:
        lines = lock.read_text().splitlines()
    except FileNotFoundError:
        return
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    since = float(lines[2]) if len(lines) > 2 and lines[2].isdigit() else 0.0
    who = processes.identity(pid) if pid else None
    if who and _is_postmaster(pid, since):
        processes.end(pid, who, ask=signal.SIGINT, patience=_PATIENCE)
    if pid and processes.number_taken(pid):
        lock.unlink(missing_ok=True)


def _is_postmaster(pid: int, since: float) -> bool:
    return processes.program(pid) == "postgres" and abs(processes.started_at(pid) - since) < _CLOCK_SLACK
