"""Shared by all commands: common options, settings, and errors without a traceback."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import rich_click as click
from click.exceptions import Exit

from ordersys import __version__
from ordersys.config import ConfigError, Loaded, Settings, read
from ordersys.domain.shared.errors import DomainError, Kind

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
ShowProgress = Callable[[str, int, int], None]
"""Called with (phase, done, total)."""
STACK: Final = Path(".ordersys")
STACK_NOTE: Final = (
    "While `ordersys up` runs in this folder, its servers and its configuration file are used. "
    "`--config PATH` and environment variables (`ORDERSYS__SECTION__KEY`) take precedence."
)

click.rich_click.TEXT_MARKUP = "markdown"
click.rich_click.MAX_WIDTH = 110


def failed(text: str) -> Exit:
    """Returns the exception for a failed command or check (exit code 1)."""
    return _exit(text, 1)


def refused(text: str) -> Exit:
    """Returns the exception for wrong usage or configuration (exit code 2)."""
    return _exit(text, 2)


def everywhere(function: F) -> F:
    """Adds --config and --version, which may stand before or after the command name."""
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PATH",
        expose_value=False,
        callback=_remember_config,
        help="Configuration file. Default: config.yaml in this folder, if it exists.",
    )
    return config(click.version_option(__version__, prog_name="ordersys")(function))


def config_path() -> Path | None:
    context = click.get_current_context(silent=True)
    return context.meta.get("ordersys.config") if context else None


def settings() -> Settings:
    return loaded().settings


def loaded() -> Loaded[Settings]:
    return _read(config_path(), {})


def settings_with_stack() -> Settings:
    """Returns the settings, with the addresses of the stack that runs in this folder (see STACK_NOTE)."""
    if config_path() or not (STACK / "state.json").is_file():
        return settings()
    with stack_errors():
        from ordersys.bootstrap import stack
        from ordersys.bootstrap.stack.state import StateFolder

        addresses = stack.addresses(STACK)
        file = StateFolder(path=STACK).read_options().config if addresses else None
    return _read(file, addresses).settings


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs the coroutine to its end, on uvloop if it is installed."""
    with expected(), asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(coroutine)


@contextmanager
def expected() -> Iterator[None]:
    """Maps domain errors to exit codes: 1 for an unavailable server, 2 for everything else."""
    try:
        yield
    except DomainError as error:
        raise (failed if error.kind is Kind.TRANSIENT else refused)(error.detail) from None


@contextmanager
def stack_errors() -> Iterator[None]:
    try:
        from ordersys.bootstrap.stack import StackError
    except ModuleNotFoundError as error:
        raise refused(f"{error.name} is not installed; run: pip install 'ordersys[embedded]'") from None
    try:
        yield
    except StackError as error:
        raise _exit(str(error), error.exit_code) from None


def _read(path: Path | None, addresses: Mapping[str, str]) -> Loaded[Settings]:
    try:
        return read(path, os.environ, stack=addresses)
    except ConfigError as error:
        raise refused(str(error)) from None


def _exit(text: str, exit_code: int) -> Exit:
    """Prints one plain line: click's panel would break long lines, such as the path of a key."""
    click.echo(f"Error: {text}", err=True)
    return Exit(exit_code)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return new_event_loop()


def _remember_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is not None:
        # A child's context shares `meta` with its parents.
        context.meta["ordersys.config"] = path


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@everywhere
def cli() -> None:
    """A resilient, event-driven order system: a choreography saga over PostgreSQL, Kafka and Redis.

    Start everything on this machine with `ordersys up`. For help on a command, run `ordersys COMMAND --help`.
    """
