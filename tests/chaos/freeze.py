"""SIGSTOP for longer than leases and sessions last: others take over, and then the stopped one wakes up as a zombie.

What it was in the middle of it goes on with: a publish whose archive step the lease's token refuses, a transaction
whose events somebody else has handled (the inbox refuses), offsets of partitions that are not its own any more.
"""

import os
import signal
from asyncio import gather
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from tests.chaos.signs import Sign, from_now_on
from tests.chaos.system import GROUPS, IN_TRANSACTION, System, member, role_of
from tests.chaos.trial import DidNotBite, DidNotRecover, Strike, passed, until

# More than kafka.session_timeout_seconds (6) and relay.lease_seconds (5), and less than the 15 s after which the
# supervisor kills what gives no sign of life.
HOLD_SECONDS: Final = 8.0
LONGEST_SECONDS: Final = 11.0
AWAKE_WITHIN: Final = 45.0
SHARDS_OF: Final = "SELECT count(*) FROM outbox_shards WHERE owner = $1 AND leased_until > now()"
ALL_SHARDS_OTHERS: Final = "SELECT bool_and(owner <> $1 AND leased_until > now()) FROM outbox_shards"


async def freeze(system: System, strike: Strike) -> None:
    began = monotonic()
    pids = [system.signal(victim, signal.SIGSTOP).pid or 0 for victim in strike.victims]
    try:
        for victim in strike.victims:
            strike.facts[f"in a transaction: {victim}"] = float(await system.value(IN_TRANSACTION, victim))
        await passed(HOLD_SECONDS, began)
        await gather(*(_replaced(system, victim, began) for victim in strike.victims))
        if not all(map(stopped, pids)):
            raise DidNotBite(f"{', '.join(strike.victims)} did not stand still for {HOLD_SECONDS:g} s")
        strike.facts["stopped for"] = round(monotonic() - began, 2)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        strike.clock = monotonic()


async def _replaced(system: System, victim: str, began: float) -> None:
    """Somebody else has its shards or its partitions, all of them."""
    left = max(began + LONGEST_SECONDS - monotonic(), 1)
    if not await until(partial(_others_do_its_work, system, victim), within=left, step=0.2):
        raise DidNotBite(f"nobody took over from {victim} within {LONGEST_SECONDS:g} s")


async def _others_do_its_work(system: System, victim: str) -> bool:
    if role_of(victim) == "worker":
        return bool(await system.value(ALL_SHARDS_OTHERS, victim))
    members = await system.members(GROUPS[role_of(victim)])
    return member(victim) not in members and any(members.values())


async def woke(system: System, strike: Strike) -> str:
    """It is the very process that was stopped, so a zombie did wake up."""
    now = system.states()
    if any(now[victim].pid != strike.before[victim].pid for victim in strike.victims):
        return ""
    return f"stopped for {strike.facts['stopped for']:g} s; shards or partitions taken over; the same process woke"


async def works_again(system: System, strike: Strike) -> Mapping[str, float]:
    times = await gather(*(_awake(system, strike, victim) for victim in strike.victims))
    return dict(zip(strike.victims, times, strict=True))


async def _awake(system: System, strike: Strike, victim: str) -> float:
    """It has a share again, and has done something with it."""
    sign: Sign | None = None

    async def works() -> bool:
        nonlocal sign
        if sign is None:
            sign = await from_now_on(system, victim) if await _has_a_share(system, victim) else None
            return False
        return await sign.seen()

    if not await until(works, within=AWAKE_WITHIN):
        raise DidNotRecover(f"{victim} did nothing within {AWAKE_WITHIN:g} s after it woke")
    return monotonic() - strike.clock


async def _has_a_share(system: System, victim: str) -> bool:
    if role_of(victim) == "worker":
        return int(await system.value(SHARDS_OF, victim)) > 0
    return bool((await system.members(GROUPS[role_of(victim)])).get(member(victim)))


def stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False
