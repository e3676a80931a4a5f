"""The command line. Exit code 0: success; 1: the check failed; 2: wrong usage or configuration.

Commands import what they need when they run, so that `--help` stays fast and optional packages stay optional.
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
