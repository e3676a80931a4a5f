import getpass
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, complete, everywhere, refused, settings_with_stack

if TYPE_CHECKING:
    from ordersys.bootstrap.dead_letters import DeadLetterContainer
    from ordersys.usecase.dead_letters.ports import DeadLetterContent, DeadLetterView, Forecast
    from ordersys.usecase.dead_letters.replay_all import ReplayReport
    from ordersys.usecase.dead_letters.resolve_dead_letters import Resolution

T = TypeVar("T")
STATUSES = ("NEW", "REPLAYED", "DISCARDED")
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
by_option = click.option("--by", metavar="NAME", help="Operator name to record. Default: the current user.")


@click.group()
@everywhere
def dlq() -> None:
    """List, replay and discard dead letters: events that a service failed to handle or could not read."""


@dlq.command("list", epilog=STACK_NOTE)
@click.option("--status", type=click.Choice(STATUSES), default="NEW", show_default=True)
@click.option("--all", "every", is_flag=True, help="Include every status.")
@click.option("--consumer", metavar="NAME", help="Only dead letters of this service, such as payment-service.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json_option
@everywhere
def list_dead_letters(status: str, every: bool, consumer: str | None, limit: int, as_json: bool) -> None:
    """List dead letters, newest first."""
    from ordersys.usecase.dead_letters.ports import DeadLetterStatus

    wanted = None if every else DeadLetterStatus(status)
    page = _ask(lambda c: c.list_dead_letters().execute(status=wanted, consumer=consumer, cursor=None, limit=limit))
    if as_json:
        _print_json(page)
        return
    _print_dead_letters(page.items)
    if page.next_cursor:
        click.echo(f"More than {limit} dead letters; raise --limit to see them.", err=True)


@dlq.command(epilog=STACK_NOTE)
@click.argument("dead_letter_id", metavar="ID", type=click.UUID)
@as_json_option
@everywhere
def show(dead_letter_id: UUID, as_json: bool) -> None:
    """Show one dead letter and its record."""
    content = _ask(lambda c: c.get_dead_letter().execute(dead_letter_id))
    if as_json:
        _print_json(content)
    else:
        _print_content(content)


@dlq.command(epilog=STACK_NOTE)
@click.argument("dead_letter_id", metavar="[ID]", type=click.UUID, required=False)
@click.option("--all", "every", is_flag=True, help="Replay all new dead letters, oldest first, in waves of 1, 5, 25, …")
@click.option("--plan", is_flag=True, help="Change nothing; print what a replay would do.")
@click.option("--consumer", metavar="NAME", help="With --all: only dead letters of this service.")
@click.option(
    "--rate", type=click.FloatRange(0.1, 1000), default=20, show_default=True, help="Dead letters per second."
)
@by_option
@as_json_option
@everywhere
def replay(dead_letter_id: UUID | None, every: bool, plan: bool, as_json: bool, **how: Any) -> None:
    """Replay dead letters: each goes back only to the service that failed to handle it.

    A replay is safe to repeat, as an event is handled once. With --all, each wave must finish before the next begins,
    and the replay stops if more than half of a wave fails. Exit code 1 if it stopped or a dead letter failed again.
    """
    if every == (dead_letter_id is not None):
        raise refused("Specify either one ID or --all.")
    if plan:
        _plan(dead_letter_id, how["consumer"], as_json=as_json)
    elif dead_letter_id:
        by = how["by"] or getpass.getuser()
        _settled(_ask(lambda c: c.replay_dead_letters().execute([dead_letter_id], by=by)), "replayed", as_json=as_json)
    else:
        _replay_all(as_json=as_json, **how)


@dlq.command(epilog=STACK_NOTE)
@click.argument("dead_letter_id", metavar="ID", type=click.UUID)
@by_option
@as_json_option
@everywhere
def discard(dead_letter_id: UUID, by: str | None, as_json: bool) -> None:
    """Discard a dead letter: its event will not be handled. The dead letter remains readable."""
    by = by or getpass.getuser()
    _settled(_ask(lambda c: c.discard_dead_letters().execute([dead_letter_id], by=by)), "discarded", as_json=as_json)


def _plan(dead_letter_id: UUID | None, consumer: str | None, *, as_json: bool) -> None:
    ids = None if dead_letter_id is None else [dead_letter_id]
    found = _ask(lambda c: c.plan_replay().execute(ids, consumer))
    if as_json:
        _print_json(found)
    else:
        _print_plan(found)


def _replay_all(*, as_json: bool, consumer: str | None, rate: float, by: str | None) -> None:
    by = by or getpass.getuser()
    with _progress() as progress:
        report = _ask(lambda c: c.replay_all().execute(by=by, rate=rate, consumer=consumer, progress=progress))
    if as_json:
        _print_json(report)
    else:
        click.echo(
            f"Replayed {report.replayed} of {report.letters}: {report.handled} handled, {report.failed} failed again, "
            f"{report.waiting} in progress, {report.skipped} skipped."
        )
        if report.stopped:
            click.echo(f"Stopped: {report.stopped}", err=True)
    if report.stopped or report.failed:
        sys.exit(1)


def _ask(question: "Callable[[DeadLetterContainer], Coroutine[Any, Any, T]]") -> T:
    configured = settings_with_stack()
    from ordersys.bootstrap.dead_letters import dead_letter_container, operating

    async def asked() -> T:
        async with operating(configured) as platform:
            return await question(dead_letter_container(platform))

    return complete(asked())


def _settled(verdicts: "Mapping[UUID, Resolution]", done: str, *, as_json: bool) -> None:
    from ordersys.cli.frame import expected
    from ordersys.usecase.dead_letters.resolve_dead_letters import Resolution, demand

    for dead_letter_id, verdict in verdicts.items():
        with expected():
            demand(verdict)
        if as_json:
            _print_json({"id": dead_letter_id, "verdict": verdict})
        else:
            click.echo(f"{dead_letter_id} {done if verdict is Resolution.DONE else f'was {done} before'}")


@contextmanager
def _progress() -> "Iterator[Callable[[ReplayReport], None]]":
    """Shows progress on standard error, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("replaying", total=None)
        yield lambda report: bar.update(
            task,
            description=f"wave {report.waves}: {report.failed} failed, {report.waiting} in progress",
            completed=report.handled + report.failed + report.skipped,
            total=report.letters,
        )


def _print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.encode(value))


def _print_dead_letters(dead_letters: "Sequence[DeadLetterView]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "status", "consumer", "event", "order", "attempts", "since", "error", box=None)
    for one in dead_letters:
        since = f"{one.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            str(one.id), one.status, one.consumer, one.type, str(one.order_id), str(one.attempts), since, one.error
        )
    Console().print(table if dead_letters else "No dead letters.")


def _print_content(content: "DeadLetterContent") -> None:
    import msgspec

    for name, value in msgspec.to_builtins(content.letter).items():
        click.echo(f"{name:12} {value if value is not None else '-'}")
    click.echo(f"{'key':12} {content.key}")
    for name, value in content.headers.items():
        click.echo(f"{'header':12} {name}: {value}")
    click.echo(f"{'value':12} {content.value}")


def _print_plan(found: "Sequence[Forecast]") -> None:
    click.echo(f"Would replay {len(found)}.")
    for note, text in NOTES.items():
        met = [one for one in found if getattr(one, note)]
        click.echo(f"{len(met):6} {text}")
        for one in met[:20]:
            click.echo(f"       {one.letter.id} {one.letter.consumer} {one.letter.type} order {one.letter.order_id}")


NOTES = {
    "handled": "would change nothing: the consumer already handled the event",
    "older_than_inbox": "are older than the inbox retention: they might be handled twice",
    "order_finished": "belong to an order with a final status",
    "after_later_event": "would be handled after a later event of their order",
}
