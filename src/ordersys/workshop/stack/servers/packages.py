"""Where the binaries lie that came with Python packages; found without importing them, for their code is not wanted."""

from importlib.util import find_spec
from pathlib import Path

from ordersys.workshop.stack.servers.errors import EmbeddedError


def package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def binary(package: str, distribution: str, pattern: str) -> Path:
    """The file in the package that matches the pattern, or an error that says how to get it."""
    folder = package_folder(package)
    found = sorted(folder.glob(pattern)) if folder else []
    if not found:
        raise EmbeddedError(
            f"{pattern.rpartition('/')[2]} was not found: `{distribution}` is not installed, or has no build"
            " for this machine. Install the embedded parts with `pip install 'ordersys[embedded]'`."
        )
    return found[0]
