"""A role with the workshop's extension, whose faults a test can reach."""

from dependency_injector import providers

from ordersys.bootstrap.extension import Extension, Host
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import Settings
from ordersys.workshop.chaos.composition import seeded_faults
from ordersys.workshop.chaos.faults import SeededFaults
from ordersys.workshop.extension import extension


def platform_with_faults(settings: Settings, name: str) -> tuple[PlatformContainer, SeededFaults]:
    kept: list[SeededFaults] = []

    def extend(host: Host) -> Extension:
        kept.append(seeded_faults(host.settings, host.name, host.metrics.struck))
        return extension(host, kept[0])

    platform = PlatformContainer(settings=settings, name=name, extend=providers.Object(extend))
    platform.extension()
    return platform, kept[0]
