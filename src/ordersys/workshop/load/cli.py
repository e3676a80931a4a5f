import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

import rich_click as click

from ordersys.cli.frame import (
    STACK_NOTE,
    ShowProgress,
    complete,
    everywhere,
    expected,
    failed,
    refused,
    settings_with_stack,
)
from ordersys.config import ROLE_PORTS, AuthSettings, Settings
from ordersys.workshop.stack.running import api_address

if TYPE_CHECKING:
    from ordersys.workshop.load.plan import Plan
    from ordersys.workshop.load.report import LoadReport

METHODS = ("pm_ok", "pm_declined", "pm_slow", "pm_flaky", "pm_lost_answer", "pm_down")


@click.command(epilog=STACK_NOTE)
@click.option("--rate", required=True, type=click.FloatRange(0, min_open=True), help="Orders per second.")
@click.option(
    "--duration", required=True, type=click.FloatRange(0, 3600, min_open=True), help="Duration of sending in seconds."
)
@click.option(
    "--flights",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Number of flights to buy from at a time.",
)
@click.option(
    "--customers", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Number of distinct customers."
)
@click.option("--method", "methods", multiple=True, type=click.Choice(METHODS), help="Payment method. Repeatable.")
@click.option("--api", metavar="URL", help="Address of the API. Required for another machine.")
@click.option(
    "--ledger", type=click.File("ab", lazy=False), metavar="PATH", help="Append a JSON line for each order sent."
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the orders to finish.")
@click.option(
    "--within",
    "follow_for",
    type=click.FloatRange(0),
    default=120,
    show_default=True,
    help="Seconds to wait for the orders to finish.",
)
@click.option(
    "--retry-within",
    "retry_for",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds to retry an order without a response.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed for customers and payment methods.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@everywhere
def load(api: str | None, ledger: BinaryIO | None, no_wait: bool, as_json: bool, **wanted: Any) -> None:
    """Send orders at a fixed rate, regardless of response times, and follow them to a final status.

    5xx, 429 and broken connections are retried with the same Idempotency-Key. Exit code 1 if an accepted order does not
    finish in time, or if the outcome of an order is unknown. SIGTERM stops the sending early.
    """
    configured = settings_with_stack()
    plan, address = _plan(configured, api, wanted)
    shown = _send(plan, address, configured.auth, ledger, follow=not no_wait)
    _print(shown, as_json=as_json)
    if not shown.holds:
        sys.exit(1)


def _plan(configured: Settings, api: str | None, wanted: dict[str, Any]) -> "tuple[Plan, str]":
    from ordersys.workshop.load.plan import BadPlan, Plan, loopback_only

    wanted["methods"] = wanted["methods"] or METHODS[:1]
    try:
        return Plan(run=secrets.token_hex(4), **wanted), api or loopback_only(_api_address(configured))
    except BadPlan as error:
        raise refused(str(error)) from None


def _api_address(configured: Settings) -> str:
    if running := api_address():
        return running
    host = "127.0.0.1" if configured.http.host == "0.0.0.0" else configured.http.host  # noqa: S104  # nothing is bound
    return f"http://{host}:{configured.http.port or ROLE_PORTS['api']}"


def _send(plan: "Plan", address: str, auth: AuthSettings, ledger: BinaryIO | None, *, follow: bool) -> "LoadReport":
    from ordersys.workshop.load.client import Unreachable
    from ordersys.workshop.load.flights import NoFlights
    from ordersys.workshop.load.generator import run_load

    with expected(), _progress(plan.count) as progress:
        tokens = _tokens(auth)
        tokens("probe")
        try:
            return complete(run_load(plan, api=address, token=tokens, ledger=ledger, progress=progress, follow=follow))
        except Unreachable as error:
            raise failed(f"{address} does not respond as the API ({error}); check that it is running.") from None
        except NoFlights:
            raise failed("No flight has free seats; add flights with `ordersys seed`.") from None


def _tokens(auth: AuthSettings) -> Callable[[str], str]:
    from ordersys.entrypoint.http.tokens import mint

    now = datetime.now(UTC)
    return cache(lambda customer: mint(auth, customer, "customer", now))


@contextmanager
def _progress(count: int) -> Iterator[ShowProgress]:
    """Shows progress on standard error, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("sending", total=count)
        yield lambda phase, done, of: bar.update(task, description=phase, completed=done, total=of)


def _print(shown: "LoadReport", *, as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(shown))
        return
    from rich.console import Console

    from ordersys.workshop.load.report import table

    Console().print(table(shown))
