"""A PostgreSQL that still runs on our data is ended before another starts; a lock file that names a stranger goes.

PostgreSQL refuses to start while the process named in postmaster.pid exists, whoever that is by now: after a crash the
number may belong to anybody. The start time beside it tells them apart. A lock file whose process is gone stays: it
leads PostgreSQL to the shared memory of backends that outlived their postmaster.
"""

import signal
from pathlib import Path

from ordersys.infrastructure.embedded import processes

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
    if who is None:
        return
    if _is_postmaster(pid, since):
        processes.end(pid, who, ask=signal.SIGINT, patience=_PATIENCE)
    else:
        lock.unlink(missing_ok=True)


def _is_postmaster(pid: int, since: float) -> bool:
    return processes.program(pid) == "postgres" and abs(processes.started_at(pid) - since) < _CLOCK_SLACK
