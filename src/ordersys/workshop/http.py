"""The routes of the workshop in the api role: /ops/audit, /ops/chaos and /ops/load."""

from typing import Any, Final

from ordersys.bootstrap.extension import Host, HttpExtension
from ordersys.entrypoint.http import app
from ordersys.workshop.audit.composition import api_audit
from ordersys.workshop.audit.routes import AUDIT_ROUTES
from ordersys.workshop.chaos.composition import chaos_control
from ordersys.workshop.chaos.faults import SeededFaults
from ordersys.workshop.chaos.routes import OPS_CHAOS_ROUTES
from ordersys.workshop.load.composition import load_switch
from ordersys.workshop.load.routes import OPS_LOAD_ROUTES

ROUTES: Final = (OPS_CHAOS_ROUTES, OPS_LOAD_ROUTES, AUDIT_ROUTES)
NEEDS: Final = ("chaos", "load", "exclusive_audit")


def http_extension(host: Host, faults: SeededFaults) -> HttpExtension:
    chaos = chaos_control(host.settings, host.engine, faults)
    load = load_switch(host.settings, host.clock)
    audit, close_audit = api_audit(host.settings)
    return HttpExtension(
        routes=ROUTES,
        provide={"chaos": lambda: chaos, "load": lambda: load, "exclusive_audit": lambda: audit},
        ending=[load.close],
        leaving=[close_audit],
    )


def document() -> dict[str, Any]:
    """The OpenAPI document of the whole API, from which clients are generated; nothing has to run for it."""
    return app.document(ROUTES, NEEDS)
