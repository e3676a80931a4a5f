"""Commands of the embedded stack: everything on this machine, with state and logs in .ordersys/."""

from collections.abc import Iterable
from contextlib import suppress

import rich_click as click

from ordersys.cli.frame import config_path, everywhere, refused, settings
from ordersys.workshop.stack.running import STACK, stack_errors

DEMO_DROP = 0.2


@click.command()
@click.option("--scale", "scales", multiple=True, metavar="ROLE=N", help="Number of processes of a role. Repeatable.")
@click.option(
    "--drop",
    type=click.FloatRange(0, 1),
    help=f"Share of publishes to drop deliberately. Default: publish.drop of the configuration, else {DEMO_DROP}.",
)
@click.option(
    "--postgres-via",
    metavar="HOST:PORT",
    default="",
    help="Address of a pooler or proxy, run by you, through which the roles reach PostgreSQL.",
)
@click.option(
    "--page/--no-page", default=True, show_default=True, help="Serve the web page, if it is built in frontend/."
)
@everywhere
def up(scales: tuple[str, ...], drop: float | None, postgres_via: str, page: bool) -> None:
    """Start PostgreSQL, Valkey, Kafka, the five roles and the web page on this machine. Returns when they are ready."""
    scale, configured = dict(_scales(scales)), settings()
    if configured.environment == "production":
        raise refused("environment: `ordersys up` is for demos; in production, start the roles with `ordersys run`.")
    rate = configured.chaos.rates.get("publish.drop", DEMO_DROP) if drop is None else drop
    with stack_errors():
        from ordersys.workshop.stack import commands
        from ordersys.workshop.stack.state import UpOptions

        commands.up(
            UpOptions(
                state=STACK,
                scale=scale,
                publish_drop=rate,
                page=page,
                config=config_path(),
                postgres_via=postgres_via,
            )
        )


@click.command()
@everywhere
def down() -> None:
    """Stop exactly what `up` started in this folder. The data is kept."""
    with stack_errors():
        from ordersys.workshop.stack import commands

        ended = commands.down(STACK)
    click.echo(f"Stopped: {', '.join(ended)}" if ended else "Nothing was running.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@everywhere
def status(as_json: bool) -> None:
    """Show what `up` started in this folder: addresses, readiness, restarts."""
    with stack_errors():
        from ordersys.workshop.stack import commands

        click.echo(commands.status(STACK, as_json=as_json))


@click.command()
@click.argument("name", required=False, metavar="[ROLE]")
@click.option("--follow", "-f", is_flag=True, help="Follow the log until Ctrl-C.")
@everywhere
def logs(name: str | None, follow: bool) -> None:
    """Print the last log lines of one role or server, or of all."""
    with stack_errors():
        from ordersys.workshop.stack import commands

        with suppress(KeyboardInterrupt):
            for line in commands.logs(name, follow=follow, state=STACK):
                click.echo(line)


def _scales(texts: Iterable[str]) -> Iterable[tuple[str, int]]:
    for text in texts:
        role, _, count = text.partition("=")
        if not count.isdecimal():
            raise click.BadParameter(f"{text!r} is not ROLE=N", param_hint="--scale")
        yield role, int(count)
