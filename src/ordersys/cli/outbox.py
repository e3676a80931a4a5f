from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, complete, everywhere, refused, settings_with_stack

if TYPE_CHECKING:
    from ordersys.infrastructure.postgres.outbox_repository import PostgresOutboxQueue
    from ordersys.messaging.outbox import StuckRow

T = TypeVar("T")


@click.group()
@everywhere
def outbox() -> None:
    """List outbox events that failed to publish, and retry parked ones."""


@outbox.command("list", epilog=STACK_NOTE)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@everywhere
def list_stuck(limit: int, as_json: bool) -> None:
    """List events that failed to publish, parked ones first. A parked event blocks later events of its order."""
    found = _ask(lambda queue: queue.stuck(limit))
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found))
    else:
        _print(found)


@outbox.command(epilog=STACK_NOTE)
@click.argument("row_id", metavar="ID", type=click.IntRange(1))
@everywhere
def unpark(row_id: int) -> None:
    """Retry a parked event immediately."""
    if not _ask(lambda queue: queue.unpark(row_id)):
        raise refused(f"Event {row_id} is not parked; list parked events with `ordersys outbox list`.")
    click.echo(f"Event {row_id} will be retried.")


def _ask(question: "Callable[[PostgresOutboxQueue], Coroutine[Any, Any, T]]") -> T:
    configured = settings_with_stack()
    from ordersys.bootstrap.dead_letters import operating

    async def asked() -> T:
        async with operating(configured) as platform:
            return await question(platform.outbox_queue())

    return complete(asked())


def _print(found: "Sequence[StuckRow]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "state", "event", "order", "attempts", "error", box=None)
    for one in found:
        state = "parked" if one.parked_at else f"next {one.next_attempt_at:%H:%M:%S}"
        table.add_row(str(one.id), state, one.type, str(one.order_id), str(one.attempts), one.error)
    Console().print(table if found else "No event failed to publish.")
