"""Who is behind a process number, so that a number the system has given to somebody else is never signalled."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

_PROC = Path("/proc")
_BOOT = _PROC / "sys/kernel/random/boot_id"
_ENDED = ("Z", "X")


def identity(pid: int) -> str | None:
    """A text that no other process ever shares (number, boot and start time together); None when it has ended.

    A process that ended but was not collected by its parent counts as ended.
    """
    if (_PROC / "self/stat").exists():
        fields = _stat(pid)
        if not fields or fields[0] in _ENDED:
            return None
        return f"{_BOOT.read_text().strip()[:8]}-{fields[19]}"
    return _asked_of_ps(pid)


def number_taken(pid: int) -> bool:
    """Somebody has it, be it one that has ended and was not collected yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def alive(pid: int, who: str) -> bool:
    return identity(pid) == who


def started_at(pid: int) -> float:
    """Seconds since the epoch, give or take one; 0 when the process has ended or the system cannot tell."""
    fields = _stat(pid)
    if not fields:
        return 0.0
    booted = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime "))
    return int(booted.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def program(pid: int) -> str:
    """The file name of what it runs; empty when unknown."""
    try:
        return Path(os.fsdecode((_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[0])).name
    except OSError:
        return ""


def end(pid: int, who: str, *, ask: signal.Signals, patience: float) -> bool:
    """Ask it to stop, wait, then kill it. True when it went by itself. Blocks for at most `patience` and a little."""
    for sent, seconds in ((ask, patience), (signal.SIGKILL, 5.0)):
        if not alive(pid, who):
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)
        if wait_gone(pid, who, seconds):
            return sent == ask
    return False


def wait_gone(pid: int, who: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid, who):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _stat(pid: int) -> list[str]:
    """The fields after the command's name, which may itself hold spaces and brackets; state first, start time 20th."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _asked_of_ps(pid: int) -> str | None:
    asked = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = asked.stdout.strip().partition(" ")
    return None if not started or state.startswith(_ENDED) else started.strip()
