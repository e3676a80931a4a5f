"""Runs the benchmark: all parts, or those named. Exit code 0 if all of them ran, whether or not their goals are met."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.options import Options
from benchmarks.parts import PARTS
from benchmarks.report import Part, markdown, write_document, write_json
from benchmarks.servers import ROOT, Servers, running

DOCUMENT = ROOT / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    options = Options(quick=asked.quick, long=asked.long)
    with running(tuned=asked.servers == "tuned") as servers:
        machine = describe(servers, options)
        for name, value in machine.items():
            print(f"{name}: {value}", flush=True)
        parts = [_run(name, servers, options) for name in asked.parts or PARTS]
    if asked.json:
        write_json(asked.json, machine, parts)
    if asked.write_docs:
        sections = {part.name: markdown(part) for part in parts if not part.failed}
        about = "".join(f"- {name}: {value}\n" for name, value in machine.items())
        write_document(DOCUMENT, {"machine": about, **sections})
        _write_texts(parts)
    return 1 if any(part.failed for part in parts) else 0


def _run(name: str, servers: Servers, options: Options) -> Part:
    print(f"\n## {name}\n", flush=True)
    began = time.monotonic()
    try:
        part = PARTS[name](servers, options)
    except Exception as error:  # noqa: BLE001 - one part that breaks must not cost the figures of the others
        traceback.print_exc()
        part = Part(name=name, failed=f"{type(error).__name__}: {error}")
    part.seconds = round(time.monotonic() - began, 1)
    print(markdown(part), f"\n({part.seconds:.0f} s)", sep="", flush=True)
    return part


def _write_texts(parts: Sequence[Part]) -> None:
    for part in parts:
        for name, text in part.texts.items():
            (DOCUMENT.parent / name).write_text(text)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"One or more of {', '.join(PARTS)}. Default: all.")
    parser.add_argument(
        "--quick", action="store_true", help="A third of the time; checks that it runs, not for figures."
    )
    parser.add_argument("--long", action="store_true", help="Ten minutes of load, five of a held snapshot, more rates.")
    parser.add_argument("--servers", choices=("tuned", "embedded"), default="tuned", help="embedded: as `ordersys up`.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="Write all figures to this file.")
    parser.add_argument("--write-docs", action="store_true", help="Write the figures into docs/performance.md.")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.parts if name not in PARTS]:
        parser.error(f"Unknown part: {', '.join(unknown)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
