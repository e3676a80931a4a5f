"""Where the figures were measured."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.options import Options
from benchmarks.servers import ROOT, Servers, flush_milliseconds


def describe(servers: Servers, options: Options) -> Mapping[str, object]:
    with servers.admin() as admin:
        postgres = admin.value("SHOW server_version")
        durable = admin.value("SELECT current_setting('synchronous_commit') || ', fsync ' || current_setting('fsync')")
    return {
        "revision": _revision(),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {psutil.virtual_memory().total / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        "disk": f"8 kB made durable in {flush_milliseconds(servers.folder):.3f} ms (median)",
        "interpreter": f"Python {' '.join(sys.version.split())}",
        "software": f"PostgreSQL {postgres} (synchronous_commit {durable}), Apache Kafka 4.4, "
        f"asyncpg {version('asyncpg')}, confluent-kafka {version('confluent-kafka')}",
        "servers": servers.described,
        "load before": f"{os.getloadavg()[0]:.1f}",
        "form": options.form,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _revision() -> str:
    """Of the code that was measured."""
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git the user has
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return asked.stdout.strip()
