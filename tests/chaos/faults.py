"""The faults, as one table: how each is inflicted, what shows that it bit, how one sees that work goes on."""

import signal
from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import Final

from redis.asyncio import Redis

from tests.chaos.freeze import freeze, woke, works_again
from tests.chaos.signs import Sign, from_now_on
from tests.chaos.system import Log, System
from tests.chaos.trial import Bit, DidNotBite, DidNotRecover, Fault, Inflict, Recover, Strike, until

BITES_WITHIN: Final = 15.0
RECOVERS_WITHIN: Final = 60.0
CUTS: Final = 5
OUTAGE_SECONDS: Final = 15.0
DRAINED_SECONDS: Final = 3.0
OLDEST: Final = "SELECT coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8 FROM outbox"
PENDING: Final = "SELECT count(*) FROM outbox"
CANARY: Final = "chaos:canary"


def signalling(sent: signal.Signals) -> Inflict:
    async def inflict(system: System, strike: Strike) -> None:
        for victim in strike.victims:
            system.signal(victim, sent)

    return inflict


def ended_by(*reasons: str, own_words: str = "") -> Bit:
    """The supervisor collected the process and says why it ended; `own_words`: the server's log says it, too."""

    async def bit(system: System, strike: Strike) -> str:
        for victim in strike.victims:
            await bitten(partial(_says, strike.supervisor, *(f"{victim} ended ({reason}" for reason in reasons)))
            if own_words:
                await bitten(partial(_says, strike.logs[victim], own_words))
        return f"the supervisor: ended ({reasons[0]}" + (f"; its log: {own_words}" if own_words else "")

    return bit


def _says(log: Log, *any_of: str) -> bool:
    text = log.new()
    return any(words in text for words in any_of)


async def bitten(happened: "partial[bool]") -> None:
    async def look() -> bool:
        return happened()

    if not await until(look, within=BITES_WITHIN):
        raise DidNotBite(f"not within {BITES_WITHIN:g} s: {happened.func.__name__}{happened.args}")


async def recovered(works: Callable[[], Awaitable[bool]], since: float, what: str) -> float:
    """Seconds since the fault."""
    if not await until(works, within=RECOVERS_WITHIN):
        raise DidNotRecover(f"not within {RECOVERS_WITHIN:g} s: {what}")
    return monotonic() - since


async def own_work(system: System, strike: Strike) -> Mapping[str, float]:
    """Each victim is another process now, which has done something itself."""

    async def back(victim: str, sign: Sign) -> bool:
        state = system.state(victim)
        return state is not None and state.pid not in (None, strike.before[victim].pid) and await sign.seen()

    async def one(victim: str) -> float:
        sign = Sign(system=system, name=victim)
        return await recovered(partial(back, victim, sign), strike.clock, f"work of {victim}")

    return dict(zip(strike.victims, await gather(*map(one, strike.victims)), strict=True))


def served(*roles: str) -> Recover:
    """The server is another process and answers, and then one of these roles, which need it, has done some more."""

    async def recover(system: System, strike: Strike) -> Mapping[str, float]:
        (server,) = strike.victims
        before = strike.before[server].pid

        async def back() -> bool:
            state = system.state(server)
            return state is not None and state.ready and state.pid not in (None, before)

        await recovered(back, strike.clock, f"{server} is back")
        return {server: await more_work(system, strike, roles)}

    return recover


async def more_work(system: System, strike: Strike, roles: tuple[str, ...]) -> float:
    names = [name for role in roles for name in system.instances(role)]

    async def done() -> float:
        return sum([await system.work(name) or 0 for name in names])

    base = await done()

    async def more() -> bool:
        strike.facts["backlog"] = max(strike.facts.get("backlog", 0), float(await system.value(PENDING)))
        return await done() > base

    return await recovered(more, strike.clock, f"work of {', '.join(names)}")


async def flush(system: System, strike: Strike) -> None:
    """What was there is gone."""
    async with _valkey(system) as valkey:
        await valkey.set(CANARY, "alive")
        strike.facts["keys"] = float(await valkey.dbsize())
        await valkey.flushall()


async def flushed(system: System, strike: Strike) -> str:
    async with _valkey(system) as valkey:
        gone = await valkey.get(CANARY) is None
    return f"{strike.facts['keys']:g} keys before, the canary is gone" if gone else ""


async def kept_working(system: System, strike: Strike) -> Mapping[str, float]:
    return {"valkey": await more_work(system, strike, ("api",))}


def _valkey(system: System) -> Redis:
    return Redis.from_url(system.states()["valkey"].address, socket_timeout=2)


def cutting(side: str) -> Inflict:
    async def inflict(system: System, strike: Strike) -> None:
        before = len(system.proxy.cuts)
        system.proxy.arm("before" if side == "before" else "after", CUTS)
        try:
            await bitten(partial(_cut, system, before + CUTS))
        finally:
            system.proxy.disarm()
        strike.clock = monotonic()
        strike.facts["cuts"] = CUTS
        strike.victims = sorted({cut.who for cut in system.proxy.cuts[before:]})

    return inflict


def _cut(system: System, times: int) -> bool:
    return len(system.proxy.cuts) >= times


async def were_cut(system: System, strike: Strike) -> str:
    return f"the proxy cut {strike.facts['cuts']:g} connections of {', '.join(strike.victims)}"


async def all_work_on(system: System, strike: Strike) -> Mapping[str, float]:
    """Each that was cut does some more."""

    async def one(name: str) -> float:
        sign = await from_now_on(system, name)
        return await recovered(sign.seen, strike.clock, f"work of {name}")

    return dict(zip(strike.victims, await gather(*map(one, strike.victims)), strict=True))


async def roll(system: System, strike: Strike) -> None:
    """One after the other, the next when the former works again."""
    for victim in strike.victims:
        strike.clock = monotonic()
        system.signal(victim, signal.SIGTERM)
        await bitten(partial(_says, strike.supervisor, f"{victim} ended (exit code 0)"))
        one = Strike(
            victims=[victim], before=strike.before, supervisor=strike.supervisor, logs=strike.logs, clock=strike.clock
        )
        strike.recovered |= await own_work(system, one)


async def rolled(system: System, strike: Strike) -> str:
    now = system.states()
    changed = [name for name in strike.victims if now[name].pid != strike.before[name].pid]
    return (
        f"{len(changed)} processes replaced, each ended with exit code 0" if len(changed) == len(strike.victims) else ""
    )


async def one_by_one(system: System, strike: Strike) -> Mapping[str, float]:
    return strike.recovered


async def stop_workers(system: System, strike: Strike) -> None:
    """As an operator would: scaled to none, and back."""
    api = system.states()["api"].address

    async def young() -> bool:
        oldest = await system.metric(api, "ordersys_outbox_oldest_pending_seconds")
        return oldest is not None and oldest < DRAINED_SECONDS

    if not await until(young, within=RECOVERS_WITHIN, step=0.5):
        raise DidNotBite("the oldest pending event was old before the workers were stopped")
    await system.rescale(worker=0)

    async def old() -> bool:
        strike.facts["oldest"] = await system.metric(api, "ordersys_outbox_oldest_pending_seconds") or 0
        return strike.facts["oldest"] > OUTAGE_SECONDS

    try:
        await until(old, within=OUTAGE_SECONDS + BITES_WITHIN, step=0.5)
        strike.facts["backlog"] = float(await system.value(PENDING))
        strike.facts["workers"] = float(len(system.instances("worker")))
    finally:
        strike.clock = monotonic()
        await system.rescale()


async def age_rose(system: System, strike: Strike) -> str:
    oldest = strike.facts["oldest"]
    if strike.facts["workers"] or oldest < OUTAGE_SECONDS:
        return ""
    return f"no worker left; oldest pending event on the api's metrics: {oldest:.1f} s"


async def drained(system: System, strike: Strike) -> Mapping[str, float]:
    async def short() -> bool:
        return float(await system.value(OLDEST)) < DRAINED_SECONDS

    return {"backlog": await recovered(short, strike.clock, "the backlog is drained")}


FAULTS: Final[Mapping[str, Fault]] = {
    fault.name: fault
    for fault in (
        Fault(
            name="SIGKILL",
            per_role=True,
            inflict=signalling(signal.SIGKILL),
            bit=ended_by("killed by SIGKILL"),
            recover=own_work,
        ),
        Fault(name="SIGSTOP", per_role=True, inflict=freeze, bit=woke, recover=works_again),
        Fault(
            name="PostgreSQL: immediate shutdown",
            inflict=signalling(signal.SIGQUIT),
            bit=ended_by("", own_words="received immediate shutdown request"),
            recover=served("api"),
        ),
        Fault(
            name="PostgreSQL: SIGKILL",
            inflict=signalling(signal.SIGKILL),
            bit=ended_by("killed by SIGKILL"),
            recover=served("api"),
        ),
        Fault(name="connection cut before COMMIT", inflict=cutting("before"), bit=were_cut, recover=all_work_on),
        Fault(name="connection cut after COMMIT", inflict=cutting("after"), bit=were_cut, recover=all_work_on),
        Fault(
            name="Kafka: SIGKILL",
            inflict=signalling(signal.SIGKILL),
            bit=ended_by("killed by SIGKILL"),
            recover=served("worker"),
        ),
        Fault(
            name="Kafka: stop",
            inflict=signalling(signal.SIGTERM),
            bit=ended_by("exit code", "killed by SIGTERM"),
            recover=served("worker"),
        ),
        Fault(name="Valkey: FLUSHALL", inflict=flush, bit=flushed, recover=kept_working),
        Fault(
            name="Valkey: SIGKILL",
            inflict=signalling(signal.SIGKILL),
            bit=ended_by("killed by SIGKILL"),
            recover=served("api"),
        ),
        Fault(name="rolling restart", inflict=roll, bit=rolled, recover=one_by_one),
        Fault(name="all workers stopped", inflict=stop_workers, bit=age_rose, recover=drained),
    )
}
