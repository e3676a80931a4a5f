"""The command line. Exit code 0: success; 1: the check failed; 2: wrong usage or configuration.

Commands import what they need when they run, so that `--help` stays fast and optional packages stay optional.
"""

import rich_click as click

from ordersys.cli import configuration, database, dlq, outbox, process, token
from ordersys.cli.frame import Additions, everywhere

COMMANDS = (
    process.run,
    database.migrate,
    database.seed,
    token.token,
    dlq.dlq,
    outbox.outbox,
    configuration.config,
)


def program(additions: Additions) -> click.Group:
    """The product's commands and those of `additions` as one program."""

    @click.group(context_settings={"help_option_names": ["-h", "--help"], "obj": additions})
    @everywhere
    def cli() -> None:
        """A resilient, event-driven order system: a choreography saga over PostgreSQL, Kafka and Redis.

        Start everything on this machine with `ordersys up`. For help on a command, run `ordersys COMMAND --help`.
        """

    for command in (*COMMANDS, *additions.commands):
        cli.add_command(command)
    return cli
