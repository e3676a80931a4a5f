"""The program's top: the commands of the product and those of its workshop, which the product does not know.

What the workshop needs is imported when it is used, so that `--help` and a role start as quickly as without it.
"""

from typing import TYPE_CHECKING

from ordersys.cli import program
from ordersys.cli.frame import Additions
from ordersys.workshop.audit.cli import audit
from ordersys.workshop.chaos.cli import chaos
from ordersys.workshop.load.cli import load
from ordersys.workshop.stack.cli import down, logs, status, up
from ordersys.workshop.stack.running import running_stack

if TYPE_CHECKING:
    from ordersys.bootstrap.extension import Extension, Host


def _extend(host: "Host") -> "Extension":
    from ordersys.workshop.extension import extend

    return extend(host)


cli = program(
    Additions(commands=(up, down, status, logs, load, audit, chaos), extend=_extend, running_stack=running_stack)
)


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
