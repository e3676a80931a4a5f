import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, ShowProgress, complete, everywhere, refused, settings_with_stack
from ordersys.config import Settings
from ordersys.domain.shared.errors import DomainError

if TYPE_CHECKING:
    from ordersys.workshop.audit.ports import Promise, Scope
    from ordersys.workshop.audit.verdict import Verdict


@click.command(epilog=STACK_NOTE)
@click.option(
    "--ledger",
    "ledgers",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Ledger of responses to clients: the JSON lines of `ordersys load --ledger`. Repeatable.",
)
@click.option("--no-topics", is_flag=True, help="Check only the database; Kafka is not needed.")
@click.option(
    "--grace",
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="Ignore work younger than this. Default: 60, plus the deadline for unfinished orders.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@everywhere
def audit(ledgers: tuple[Path, ...], no_topics: bool, grace: float | None, as_json: bool) -> None:
    """Check that nothing was lost, duplicated, reordered or left unfinished.

    The system may be running. Exit code 1 if an invariant is violated, 2 if it could not be checked.
    """
    configured = settings_with_stack()
    from ordersys.workshop.audit.composition import scope_of

    found = _judged(configured, scope_of(configured, grace=grace), ledgers, topics=not no_topics)
    _print(found, as_json=as_json)
    if not found.holds:
        sys.exit(1)


def _judged(configured: Settings, scope: "Scope", ledgers: tuple[Path, ...], *, topics: bool) -> "Verdict":
    from ordersys.workshop.audit.composition import run_audit
    from ordersys.workshop.load.ledger import BadLedger

    async def outcome(progress: ShowProgress) -> "Verdict | DomainError":
        """Returns an error instead of raising it: a failed check has its own exit code."""
        try:
            promises = _promises(ledgers) if ledgers else None
            return await run_audit(configured, scope, promises, progress, topics=topics)
        except DomainError as error:
            return error

    with _progress() as progress:
        try:
            found = complete(outcome(progress))
        except BadLedger as bad:
            raise refused(str(bad)) from None
    if isinstance(found, DomainError):
        raise refused(f"The audit could not run: {found.detail}")
    return found


def _promises(ledgers: tuple[Path, ...]) -> "Iterator[Promise]":
    from ordersys.workshop.audit.ports import Promise
    from ordersys.workshop.load.ledger import read

    for path in ledgers:
        with path.open("rb") as file:
            for line in read(file, str(path)):
                yield Promise(owner=line.owner, key=line.key, status=line.status, order_id=line.order_id)


@contextmanager
def _progress() -> Iterator[ShowProgress]:
    """Shows progress on standard error, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking", total=None)
        yield lambda phase, done, of: bar.update(task, description=phase, completed=done, total=of)


def _print(found: "Verdict", *, as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found))
        return
    from rich.console import Console

    from ordersys.workshop.audit.report import pages

    Console().print(*pages(found), sep="\n")
