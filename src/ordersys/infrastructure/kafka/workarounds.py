"""Work-arounds for defects of librdkafka and its Python client (2.16): where each is, and when it can be removed.

Code of their own, in this file:
- `KnownBrokers`: a client can forget all brokers, and then never connects again (librdkafka 5301). Until
  tests/integration/test_forgotten_brokers.py sees it connect again.
- `Membership`: a member can stay outside its group, or not reconnect to the broker of its partitions (no issue known).
  Until the chaos run logs no `kafka.member_waits` with a newer version.
- `headers_of`: `Message.headers()` crashes the process on a header name that is not UTF-8 (no issue known). Until a
  plain call raises UnicodeDecodeError.

Settings and single calls, where they act:
- `KafkaStream._hold` takes the assignment away: a resume right after a pause can be dropped, and the partition is never
  read again (librdkafka 5591). Until that is closed; then it can pause.
- `GroupLags` asks consumers: the admin client aborts the process when a broker restarts under it (librdkafka 4605).
  Until that is closed; then it can ask the admin client.
- `partition.assignment.strategy` is `range` (stream.py): a static member that dies in a cooperative rebalance leaves
  partitions without an owner (no issue known). Until ADR 0006 is revisited.

The broker of the embedded stack has one more: `kafka_coordinates` in workshop/stack/servers/probes.py.
librdkafka NNNN stands for https://github.com/confluentinc/librdkafka/issues/NNNN.
"""

from collections.abc import Mapping, Sequence
from operator import methodcaller
from typing import Any, Final, cast

import structlog
from confluent_kafka import Message

from ordersys.infrastructure.kafka.client import reached

log = structlog.get_logger()

# A client that starts again with the brokers of its configuration knows none for moments.
FORGOTTEN_SECONDS: Final = 3.0
# A rebalance takes as long as its slowest member: a session, when one is frozen.
TOLD_SECONDS: Final = 12.0
LOST_SECONDS: Final = 20.0
_REAL: Final = frozenset({"configured", "learned"})


class KnownBrokers:
    """librdkafka can forget every broker, those of its configuration included, when a connection ends right after a
    response that names none, as a broker gives it that starts or stops. It then never connects again.
    """

    def __init__(self) -> None:
        self._none_since: float | None = None

    def forgotten(self, statistics: Mapping[str, Any], *, now: float) -> str:
        """Returns why the client must be replaced, or "". `now` in seconds."""
        if any(broker["source"] in _REAL for broker in statistics["brokers"].values()):
            self._none_since = None
            return ""
        if self._none_since is None:
            self._none_since = now
        waited = now - self._none_since
        return f"the client has known no broker for {waited:.0f} s" if waited >= FORGOTTEN_SECONDS else ""


class Membership:
    """Whether a member makes progress, by the statistics of its client.

    The chaos run saw three that did not, all after the broker had been away, and all silent, in a process that looked
    healthy. The first was dismissed by its group and never asked to join again. The second kept its place, as its
    heartbeats have their own connection, and did not reconnect to the broker that had its partitions. The third knew no
    broker any more (`KnownBrokers`). Brokers that are known and all away are no such case: the member can only wait.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._known = KnownBrokers()
        self._waits_since: float | None = None
        self._told = False

    def seen(self, statistics: Mapping[str, Any], *, now: float) -> str:
        """Returns why the member must start again, or "". `now` in seconds."""
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


# For a header name that is not UTF-8 the client returns a list with an exception set. Called like this, the interpreter
# notices; `message.headers()`, once specialised, does not and crashes.
_read_headers = methodcaller("headers")


def headers_of(message: Message) -> Mapping[str, bytes]:
    """Returns no headers where a foreign producer made them unreadable: the record is then unreadable as a whole."""
    try:
        headers = cast(Sequence[tuple[str, bytes | None]], _read_headers(message) or ())
    except (SystemError, UnicodeDecodeError):
        return {}
    return {name: value or b"" for name, value in headers}
