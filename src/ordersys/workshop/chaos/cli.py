"""`ordersys chaos`: what operators set over the configuration, in every process within two seconds."""

import getpass
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, complete, config_path, everywhere, settings_with_stack
from ordersys.config import FAULT_POINTS
from ordersys.workshop.stack.running import running_options

if TYPE_CHECKING:
    from ordersys.workshop.chaos.rates import FaultPointState

Rates = Mapping[str, float | None]


@click.group(epilog=STACK_NOTE)
@everywhere
def chaos() -> None:
    """Show and change the rates of injected faults while the system runs. Not available in production.

    Rates set here override the configuration in every process within two seconds, until `ordersys chaos reset`.
    docs/chaos.md describes each fault point.
    """


@chaos.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@everywhere
def show(as_json: bool) -> None:
    """Print the rate of every fault point, and who set it when."""
    points = [_public(point) for point in _ask({})]
    click.echo(json.dumps({"points": points}) if as_json else _table(points))


@chaos.command(name="set")
@click.argument("point", type=click.Choice(FAULT_POINTS), metavar="POINT")
@click.argument("rate", type=click.FloatRange(0, 1))
@everywhere
def set_rate(point: str, rate: float) -> None:
    """Set the rate of one fault point: a probability from 0 to 1."""
    _change({point: rate})
    click.echo(f"{point} set to {rate:g}; effective within two seconds.")


@chaos.command()
@everywhere
def off() -> None:
    """Set every fault point to 0, including those set in the configuration."""
    _change(dict.fromkeys(FAULT_POINTS, 0.0))
    click.echo("All faults are off; effective within two seconds.")


@chaos.command()
@everywhere
def reset() -> None:
    """Remove the rates set by operators; the configured rates apply again."""
    _change(dict.fromkeys(FAULT_POINTS))
    click.echo("The configured rates apply again within two seconds.")


def _change(rates: Rates) -> None:
    _ask(rates)


def _ask(rates: Rates) -> "Sequence[FaultPointState]":
    """Changes the rates, and returns the effective ones."""
    settings, drop = settings_with_stack(), _drop_of_stack()
    configured: dict[str, float] = {str(point): rate for point, rate in settings.chaos.rates.items()}
    from ordersys.workshop.chaos.composition import opened_control

    async def asked() -> "Sequence[FaultPointState]":
        async with opened_control(settings, configured | drop) as control:
            await control.change(rates, by=_user())
            return await control.show()

    return complete(asked())


def _drop_of_stack() -> dict[str, float]:
    """What the running stack was started with beats the file: `ordersys up --drop`."""
    options = None if config_path() else running_options()
    return {"publish.drop": options.publish_drop} if options else {}


def _user() -> str:
    with suppress(KeyError, OSError, ImportError):
        return f"{getpass.getuser()} (command line)"
    return "command line"


def _public(point: "FaultPointState") -> dict[str, Any]:
    """Returns the state without strikes, which the roles count."""
    return {
        "point": point.point,
        "configured": point.configured,
        "effective": point.effective,
        "set_by": point.set_by,
        "set_at": point.set_at and point.set_at.isoformat(),
    }


def _table(points: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{'POINT':<18}  {'CONFIGURED':>10}  {'EFFECTIVE':>9}  SET BY"]
    for point in points:
        by = f"{point['set_by']}, {point['set_at']}" if point["set_by"] else "-"
        lines.append(f"{point['point']:<18}  {point['configured']:>10g}  {point['effective']:>9g}  {by}")
    return "\n".join(lines)
