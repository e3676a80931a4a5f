"""Whether a member has its place in the group, by its client's own statistics.

The chaos rig saw one that its group dismissed while the broker was away, and that never asked to be let in again:
nothing was told, and the process looked well. Brokers that are away are no such case: then there is nothing to do but
to wait.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog

log = structlog.get_logger()

# A rebalance takes as long as its slowest member: a session, when one is frozen.
TOLD_SECONDS: Final = 12.0
LOST_SECONDS: Final = 30.0


class Membership:
    def __init__(self, group: str) -> None:
        self._group = group
        self._waits_since: float | None = None
        self._told = False

    def seen(self, statistics: Mapping[str, Any], *, reached: bool, now: float) -> str:
        """Answers why the member has to start anew, "" while it need not. `reached`: a broker is; `now` in seconds."""
        group = statistics.get("cgrp") or {}
        state, joining = group.get("state", "unknown"), group.get("join_state", "unknown")
        if not reached or (state, joining) == ("up", "steady"):
            self._waits_since, self._told = None, False
            return ""
        if self._waits_since is None:
            self._waits_since = now
        waited = now - self._waits_since
        if waited >= TOLD_SECONDS and not self._told:
            self._told = True
            log.warning(
                "kafka member waits for its group",
                action="kafka.member_waits",
                group=self._group,
                state=state,
                join_state=joining,
            )
        if waited < LOST_SECONDS:
            return ""
        return f"{self._group} has not let this member in for {waited:.0f} s (state {state}, {joining})"
