"""The command line. Exit code 0: done; 1: the checked thing does not hold; 2: wrong use or configuration.

What a command needs is imported inside it, so that `--help` stays quick and optional packages stay optional.
"""

from ordersys.cli import audit, chaos, configuration, database, dlq, load, outbox, process, stack, token
from ordersys.cli.frame import cli

COMMANDS = (
    process.run,
    stack.up,
    stack.down,
    stack.status,
    stack.logs,
    database.migrate,
    database.seed,
    token.token,
    load.load,
    dlq.dlq,
    outbox.outbox,
    audit.audit,
    chaos.chaos,
    configuration.config,
)
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    cli()
