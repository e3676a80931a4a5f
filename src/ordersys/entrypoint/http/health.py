"""Health of a role, served on its own port.

Liveness: the event loop responds. It never depends on other servers, or one dead database would restart every role.
Readiness: the role can process work now.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

Check = Callable[[], Awaitable[bool]]
Render = Callable[[], tuple[bytes, str]]


class Liveness(Struct, frozen=True, kw_only=True):
    role: str
    status: Literal["live"] = "live"


class Readiness(Struct, frozen=True, kw_only=True):
    """`checks`: for each server that the role needs, whether it responds."""

    status: Literal["ready", "not ready"]
    role: str
    checks: Mapping[str, bool]
    draining: bool

    @property
    def code(self) -> int:
        """The HTTP status."""
        return 200 if self.status == "ready" else 503


@dataclass(slots=True, kw_only=True)
class Health:
    """`checks`: by server name. A draining role is not ready, regardless of its checks."""

    role: str
    checks: Mapping[str, Check]
    draining: bool = False

    def live(self) -> Liveness:
        return Liveness(role=self.role)

    async def ready(self) -> Readiness:
        checks = {name: await check() for name, check in self.checks.items()}
        status: Literal["ready", "not ready"] = "ready" if all(checks.values()) and not self.draining else "not ready"
        return Readiness(status=status, role=self.role, checks=checks, draining=self.draining)
