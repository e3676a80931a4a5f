"""The audit over HTTP, for operators: the database alone, one at a time, for a bounded time."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from ordersys.domain.shared.errors import DomainError, Kind
from ordersys.entrypoint.http.auth import operators_only
from ordersys.entrypoint.http.refusals import refusals
from ordersys.workshop.audit.ports import Scope
from ordersys.workshop.audit.run_audit import RunAudit
from ordersys.workshop.audit.verdict import Verdict

LONGEST_SECONDS: Final = 30.0


class AuditRunning(DomainError):
    def __init__(self) -> None:
        super().__init__("audit_running", Kind.CONFLICT, "An audit is already running; retry when it has finished.")


class AuditTooLong(DomainError):
    def __init__(self, seconds: float) -> None:
        detail = f"The audit takes more than {seconds:g} s; run `ordersys audit` instead."
        super().__init__("audit_too_long", Kind.CONFLICT, detail)


@dataclass(slots=True, kw_only=True)
class ExclusiveAudit:
    """Lets one audit run at a time in this process. Raises AuditRunning and AuditTooLong."""

    audit: RunAudit
    scope: Scope
    seconds: float = LONGEST_SECONDS
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def verdict(self) -> Verdict:
        if self._turn.locked():
            raise AuditRunning
        async with self._turn:
            try:
                async with asyncio.timeout(self.seconds):
                    return await self.audit.execute(self.scope)
            except TimeoutError:
                raise AuditTooLong(self.seconds) from None


@get(
    "/ops/audit",
    summary="Audit the database for violated invariants",
    guards=[operators_only],
    responses=refusals("unauthorized", "forbidden", "audit_running", "audit_too_long"),
)
async def get_audit(exclusive_audit: NamedDependency[SkipValidation[ExclusiveAudit]]) -> Verdict:
    return await exclusive_audit.verdict()


AUDIT_ROUTES = Router("/", route_handlers=[get_audit], tags=["operations"], security=[{"bearer": []}])
