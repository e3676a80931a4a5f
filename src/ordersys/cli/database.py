from datetime import UTC, datetime

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, complete, everywhere, failed, settings_with_stack


@click.command(epilog=STACK_NOTE)
@click.option("--check", is_flag=True, help="Change nothing. Exit code 1 unless the schema is up to date.")
@everywhere
def migrate(check: bool) -> None:
    """Upgrade the database schema to the latest version."""
    url = settings_with_stack().postgres.url.reveal()
    from ordersys.infrastructure.postgres import migrate as schema

    try:
        complete(schema.check(url) if check else schema.upgrade(url))
    except schema.SchemaDrift as drift:
        raise failed(f"The schema is not up to date: {drift}") from None
    click.echo(f"The schema is at revision {schema.head()}.")


@click.command(epilog=STACK_NOTE)
@click.option(
    "--number",
    type=int,
    default=2026,
    show_default=True,
    help="Seed of the timetable: the same number gives the same flights.",
)
@click.option("--days", type=click.IntRange(0, 365), default=60, show_default=True, help="Number of days ahead.")
@everywhere
def seed(number: int, days: int) -> None:
    """Add missing flights of the demo timetable. Existing flights are not changed."""
    url = settings_with_stack().postgres.url.reveal()
    from ordersys.infrastructure.postgres import seed as timetable

    added = complete(timetable.seed(url, number=number, today=datetime.now(UTC).date(), days=days))
    click.echo(f"Added {added} flights.")
