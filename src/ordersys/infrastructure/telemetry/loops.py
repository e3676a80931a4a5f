"""Log lines for loops whose server becomes unavailable and recovers: one line per change, not per attempt."""

from time import monotonic

import structlog

from ordersys.domain.shared.errors import DomainError

log = structlog.get_logger()


class LoopLog:
    """Implements messaging.loop.LoopObserver: logs outages and recoveries of loops."""

    def __init__(self) -> None:
        self._lost_at: dict[str, float] = {}

    @property
    def lost_loops(self) -> frozenset[str]:
        """The loops that are blocked now."""
        return frozenset(self._lost_at)

    def unavailable(self, loop: str, error: DomainError) -> None:
        self._lost_at[loop] = monotonic()
        log.warning("%s is blocked: %s", loop, error.detail, action="loop.lost", loop=loop, code=error.code)

    def recovered(self, loop: str) -> None:
        seconds = round(monotonic() - self._lost_at.pop(loop, monotonic()), 3)
        log.warning("%s recovered", loop, action="loop.back", loop=loop, seconds=seconds)
