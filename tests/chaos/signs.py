"""The sign that a process works: its own counter of work done."""

from dataclasses import dataclass

from tests.chaos.system import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """`work`: what the counter stood at; a new process begins at zero."""

    system: System
    name: str
    work: float = 0

    async def seen(self) -> bool:
        """It has done something since."""
        work = await self.system.work(self.name)
        return work is not None and work > self.work


async def from_now_on(system: System, name: str, *, but: float = 0) -> Sign:
    """`but`: how much more it has to do than nothing."""
    return Sign(system=system, name=name, work=(await system.work(name) or 0) + but)
