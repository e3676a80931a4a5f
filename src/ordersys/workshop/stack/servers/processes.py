"""Process identity: a number that the system has given to another process is never signalled."""

import contextlib
import signal
import time
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def identity(pid: int) -> str | None:
    """Returns a text that no other process ever shares (with `pid`: boot and start time); None when it has ended.

    A process that ended but was not collected by its parent counts as ended. The start is counted from the boot, and
    not as `create_time` has it, so that a correction of the system's clock changes no identity.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in _ENDED:
            return None
        since_boot = process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
    boot = _BOOT.read_text()[:8] if _BOOT.exists() else ""
    return f"{boot}-{since_boot:.2f}"


def number_taken(pid: int) -> bool:
    """True also for a process that has ended and was not collected yet."""
    return psutil.pid_exists(pid)


def alive(pid: int, who: str) -> bool:
    return identity(pid) == who


def started_at(pid: int) -> float:
    """Returns seconds since the epoch, give or take one; 0 when the process has ended."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def program(pid: int) -> str:
    """Returns the file name of what it runs; empty when unknown."""
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return ""
    return Path(command[0]).name if command else ""


def end(pid: int, who: str, *, ask: signal.Signals, patience: float) -> bool:
    """Asks it to stop, waits, then kills it. True when it ended by itself. Takes at most `patience` and 5 s."""
    for sent, seconds in ((ask, patience), (signal.SIGKILL, 5.0)):
        try:
            process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            return True
        if not alive(pid, who):
            return True
        with contextlib.suppress(psutil.NoSuchProcess):
            # psutil compares the start time once more, and refuses a number that was given away meanwhile.
            process.send_signal(sent)
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
