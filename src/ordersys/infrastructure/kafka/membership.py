"""Whether a member gets on, by its client's own statistics.

The chaos rig saw three that did not, all after the broker had been away, and all silent, with a process that looked
well. One had been dismissed by its group and never asked to be let in again. Another one kept its place, for its
heartbeats have a connection of their own, and did not connect again to the broker that had its partitions. The third
knew no broker any more, see KnownBrokers. Brokers that are known and all away are no such case: then there is nothing
to do but to wait.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from ordersys.infrastructure.kafka.client import KnownBrokers, reached

log = structlog.get_logger()

# A rebalance takes as long as its slowest member: a session, when one is frozen.
TOLD_SECONDS: Final = 12.0
LOST_SECONDS: Final = 20.0


class Membership:
    def __init__(self, group: str) -> None:
        self._group = group
        self._known = KnownBrokers()
        self._waits_since: float | None = None
        self._told = False

    def seen(self, statistics: Mapping[str, Any], *, now: float) -> str:
        """Answers why the member has to start anew, "" while it need not. `now` in seconds."""
        if forgotten := self._known.forgotten(statistics, now=now):
            return f"{self._group}: {forgotten}"
        brokers = {name: broker["state"] for name, broker in statistics["brokers"].items()}
        group = statistics.get("cgrp") or {}
        state, joining = group.get("state", "unknown"), group.get("join_state", "unknown")
        # A member that owns nothing need not reach a broker.
        gets_on = (state, joining) == ("up", "steady") and (not group["assignment_size"] or reached(statistics))
        if gets_on or "UP" not in brokers.values():
            self._waits_since, self._told = None, False
            return ""
        if self._waits_since is None:
            self._waits_since = now
        waited = now - self._waits_since
        if waited >= TOLD_SECONDS and not self._told:
            self._told = True
            log.warning(
                "kafka member waits for its group or for a broker",
                action="kafka.member_waits",
                group=self._group,
                state=state,
                join_state=joining,
                brokers=brokers,
            )
        if waited < LOST_SECONDS:
            return ""
        return f"{self._group} has not got on for {waited:.0f} s (state {state}, {joining}; brokers {brokers})"
