"""The hashed requirement files: `lock` generates them from pyproject.toml, `check` verifies offline that they match it.

The first line of each file is a digest of the tables that it was generated from; no file names an index or a host.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
# dev is the largest and is resolved first; the others take their versions from it, so that one environment holds all.
SETS: dict[str, list[str]] = {
    "dev": ["pyproject.toml", "--extra", "embedded", "--group", "dev"],
    "embedded": ["pyproject.toml", "--extra", "embedded", "--group", "build"],
    "runtime": ["pyproject.toml"],
    "page": ["--group", "page"],
}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)")


def digest() -> str:
    """Returns a digest of everything in pyproject.toml that affects the lock."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    parts = [
        project["project"]["requires-python"],
        project["project"]["dependencies"],
        project["project"]["optional-dependencies"],
        project["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def header() -> str:
    return f"# Made by `make lock` from pyproject.toml {digest()}\n"


def lock(*, upgrade: bool) -> None:
    for name, options in SETS.items():
        path = FOLDER / f"{name}.txt"
        constraint = [] if name == "dev" else ["--constraint", str(FOLDER / "dev.txt")]
        command = [sys.executable, "-m", "uv", "pip", "compile", *options, *constraint]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
        command += ["--quiet", "--output-file", str(path)] + (["--upgrade"] if upgrade else [])
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        path.write_text(header() + _body(path.read_text()))


def _body(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def entries(text: str) -> Iterator[tuple[str, str]]:
    """Yields each logical line of a requirement file: its pin and the rest (marker and hashes)."""
    for line in _body(text).replace("\\\n", "").splitlines():
        pin, _, rest = line.partition(" ")
        yield pin, rest


def problems() -> Iterator[str]:
    versions: dict[str, set[str]] = {}
    for name in SETS:
        path = FOLDER / f"{name}.txt"
        text = path.read_text() if path.exists() else ""
        if not text.startswith(header()):
            yield f"requirements/{name}.txt is out of date: run `make lock`"
        if "://" in text or "--index" in text or "--find-links" in text:
            yield f"requirements/{name}.txt contains an address; run `make lock`"
        for pin, rest in entries(text):
            if not PIN.match(pin) or "--hash=sha256:" not in rest:
                yield f"requirements/{name}.txt: {pin} lacks an exact version or a hash"
            versions.setdefault(f"{pin.partition('==')[0]} {rest.partition('--hash')[0]}", set()).add(pin)
    yield from (f"different versions: {', '.join(sorted(pins))}" for pins in versions.values() if len(pins) > 1)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["lock"]:
        lock(upgrade="--upgrade" in arguments)
        return 0
    if arguments != ["check"]:
        print("Usage: requirements.py lock [--upgrade] | check", file=sys.stderr)
        return 2
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
