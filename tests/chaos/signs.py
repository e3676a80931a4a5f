"""Signs that a process works: its own counter, or the offsets of its own partitions.

The second is for the ticket role: of two of them one may have all the partitions of `orders`, where it finds next to
nothing that it is subscribed to. It reads them all the same, and saves how far it has come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.chaos.system import Place, System, role_of

READS_MORE_THAN_IT_HANDLES: Final = frozenset({"ticket"})


@dataclass(slots=True, kw_only=True)
class Sign:
    """`work`: what its counter stood at; a new process begins at zero."""

    system: System
    name: str
    work: float = 0
    _places: Mapping[Place, int] | None = None

    async def seen(self) -> bool:
        """It has done something since."""
        work = await self.system.work(self.name)
        if work is None:
            return False
        return work > self.work or (role_of(self.name) in READS_MORE_THAN_IT_HANDLES and await self._moved())

    async def _moved(self) -> bool:
        places = await self.system.places(self.name)
        if not self._places:
            self._places = places
        return any(offset > self._places.get(place, offset) for place, offset in places.items())


async def from_now_on(system: System, name: str) -> Sign:
    return Sign(system=system, name=name, work=await system.work(name) or 0)
