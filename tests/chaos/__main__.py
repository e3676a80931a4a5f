"""`make chaos`: the long run, by hand. Exit code 0: everything holds; 1: it does not, or it was cut short."""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from tests.chaos.report import Run, markdown, write_into
from tests.chaos.run import DOUBLED, Rig
from tests.chaos.schedule import Counts, shots
from tests.chaos.system import System
from tests.chaos.traffic import DURATION, Traffic
from tests.e2e.stack import Stack

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
DEFAULT_SEED: Final = 20261123
# So few trials need no further timetables, which take their time to be searched.
FEW: Final = 60
FEW_WITHIN: Final = 900.0


def main() -> int:
    asked = _arguments()
    counts = replace(Counts(), **{one.name: getattr(asked, one.name) for one in fields(Counts)})
    folder = Path(tempfile.mkdtemp(prefix="ordersys-chaos-"))
    system = System(stack=Stack(folder=folder), scale=DOUBLED)
    within = DURATION if len(shots(counts, asked.seed)) > FEW else FEW_WITHIN
    traffic = Traffic(system=system, rate=asked.rate, seed=asked.seed, within=within)
    rig = Rig(system=system, traffic=traffic, counts=counts, seed=asked.seed, say=_say)
    _say(f"folder {folder}, seed {asked.seed}")
    run = asyncio.run(complete(rig))
    _tell(run, asked.out or folder / "results.json")
    if asked.write_docs and run.holds:
        write_into(DOCUMENT, markdown(run))
    if not run.holds:
        _say(f"logs and data are kept in {folder}")
    return 0 if run.holds else 1


async def complete(rig: Rig) -> Run:
    """Whatever happens, there are results, and nothing is left running."""
    try:
        await rig.run()
    except BaseException as error:  # noqa: BLE001  # Ctrl-C included: what there is shall be told
        rig.problems.append(f"cut short: {type(error).__name__}: {error}")
    try:
        return await rig.results()
    finally:
        rig.traffic.end()
        await rig.system.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos ARGS=...", description=__doc__)
    for one in fields(Counts):
        option = f"--{one.name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=one.default, metavar="N", help=f"default {one.default}")
    parser.add_argument("--rate", type=float, default=110, help="orders per second (default 110)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="shuffles the faults")
    parser.add_argument("--out", type=Path, help="where the results go as JSON (default: into the stack's folder)")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/reliability.md if all holds")
    return parser.parse_args()


def _tell(run: Run, out: Path) -> None:
    out.write_text(json.dumps(run.plain(), indent=1))
    _say(markdown(run))
    _say(f"\nresults: {out}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # progress is for the terminal


if __name__ == "__main__":
    sys.exit(main())
