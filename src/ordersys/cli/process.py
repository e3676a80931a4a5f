import rich_click as click

from ordersys.cli.frame import additions, complete, everywhere, settings
from ordersys.config import ROLES, Role


@click.command()
@click.option("--role", required=True, type=click.Choice(ROLES), help="Role of this process.")
@everywhere
def run(role: Role) -> None:
    """Run one role until SIGTERM. On SIGTERM the role takes no new work, finishes its batch, and exits."""
    configured = settings()
    from ordersys.bootstrap.roles import run_role

    complete(run_role(role, configured, additions().extend))
