import rich_click as click

from ordersys.cli.frame import complete, everywhere, settings
from ordersys.config import ROLES, Role


@click.command()
@click.option("--role", required=True, type=click.Choice(ROLES), help="What this process does.")
@everywhere
def run(role: Role) -> None:
    """Run one role until SIGTERM, which drains it: it stops taking work, finishes its batch and leaves."""
    configured = settings()
    from ordersys.bootstrap.roles import run_role

    complete(run_role(role, configured))
