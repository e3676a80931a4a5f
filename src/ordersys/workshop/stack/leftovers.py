"""What outlived its supervisor (kill -9) is ended before anything else is started, known by number and start time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from signal import Signals

from ordersys.workshop.stack.servers import processes
from ordersys.workshop.stack.state import StateFolder
from ordersys.workshop.stack.supervision.children import ChildKind, ChildState

_PATIENCE = 20.0
# The same order as in a clean stop: first what uses, then what is used.
_WAVES: tuple[tuple[ChildKind, ...], ...] = (("page", "role", "job"), ("server",))


def end(folder: StateFolder, say: Callable[[str], None]) -> list[str]:
    """The names of those that had to be ended; nothing at all while their supervisor lives."""
    state = folder.read()
    if state is None or state.supervised:
        return []
    ended: list[str] = []
    for kinds in _WAVES:
        wave = [service for service in state.services if service.kind in kinds and _lives(service)]
        with ThreadPoolExecutor(max(1, len(wave))) as pool:
            for service, clean in zip(wave, pool.map(_end, wave), strict=True):
                say(f"{service.name} of a former run was {'stopped' if clean else 'killed'}")
                ended.append(service.name)
    return ended


def _lives(service: ChildState) -> bool:
    return bool(service.pid and service.identity and processes.alive(service.pid, service.identity))


def _end(service: ChildState) -> bool:
    if not service.pid or not service.identity:
        return True
    return processes.end(service.pid, service.identity, ask=Signals(service.stop_signal), patience=_PATIENCE)
