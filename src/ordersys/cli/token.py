from datetime import UTC, datetime
from typing import Literal

import rich_click as click

from ordersys.cli.frame import STACK_NOTE, everywhere, expected, settings_with_stack


@click.command(epilog=STACK_NOTE)
@click.option("--user", required=True, help="Customer, the `sub` claim of the token.")
@click.option("--role", type=click.Choice(["customer", "operator"]), default="customer", show_default=True)
@everywhere
def token(user: str, role: Literal["customer", "operator"]) -> None:
    """Print a demo token for the header `Authorization: Bearer TOKEN`."""
    auth = settings_with_stack().auth
    from ordersys.entrypoint.http.tokens import mint

    with expected():
        click.echo(mint(auth, user, role, datetime.now(UTC)))
