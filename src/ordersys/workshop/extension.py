"""What the workshop adds to a role: fault points where chaos is allowed, and its routes beside those of the api."""

from ordersys.bootstrap.extension import Extension, Host, HttpExtension
from ordersys.workshop.chaos.composition import fault_points, seeded_faults
from ordersys.workshop.chaos.faults import SeededFaults


def extend(host: Host) -> Extension:
    return extension(host, seeded_faults(host.settings, host.name, host.metrics.struck))


def extension(host: Host, faults: SeededFaults) -> Extension:
    def http() -> HttpExtension:
        # Here and not above: the roles without an API start the faster for it.
        from ordersys.workshop.http import http_extension

        return http_extension(host, faults)

    return fault_points(host, faults, http)
