from datetime import UTC, datetime

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, complete, everywhere, failed, settings_with_stack


@click.command(epilog=STACK_NOTE)
@click.option("--check", is_flag=True, help="Change nothing. Exit code 1 unless the schema is the newest.")
@everywhere
def migrate(check: bool) -> None:
    """Bring the database to the newest schema."""
    url = settings_with_stack().postgres.url.reveal()
    from ordersys.infrastructure.postgres import migrate as schema

    try:
        complete(schema.check(url) if check else schema.upgrade(url))
    except schema.SchemaDrift as drift:
        raise failed(f"the schema is not the newest: {drift}") from None
    click.echo(f"the schema is at {schema.head()}")


@click.command(epilog=STACK_NOTE)
@click.option("--number", type=int, default=2026, show_default=True, help="The same number makes the same flights.")
@click.option("--days", type=click.IntRange(0, 365), default=60, show_default=True, help="How many days ahead.")
@everywhere
def seed(number: int, days: int) -> None:
    """Add the missing flights of the demo timetable. What is there stays as it is."""
    url = settings_with_stack().postgres.url.reveal()
    from ordersys.infrastructure.postgres import seed as timetable

    added = complete(timetable.seed(url, number=number, today=datetime.now(UTC).date(), days=days))
    click.echo(f"{added} flights added")
