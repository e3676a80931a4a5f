"""What all commands share: options that work everywhere, settings, and errors that end without a traceback."""

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
"""Is told (phase, done, total)."""
STACK: Final = Path(".ordersys")
STACK_NOTE: Final = (
    "While `ordersys up` runs in this folder, its servers are used, and the file it was started with. "
    "`--config PATH` or names in the environment (`ORDERSYS__SECTION__KEY`) say otherwise."
)

click.rich_click.TEXT_MARKUP = "markdown"
click.rich_click.MAX_WIDTH = 110


def failed(text: str) -> Exit:
    """To raise when what was asked for could not be done, or does not hold."""
    return _told(text, 1)


def refused(text: str) -> Exit:
    """To raise for wrong use or configuration."""
    return _told(text, 2)


def everywhere(function: F) -> F:
    """--config and --version, before or behind the name of a command (--help comes by itself)."""
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PATH",
        expose_value=False,
        callback=_remember_config,
        help="Settings file. Without it: config.yaml of this folder, if there is one.",
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
    """As STACK_NOTE says."""
    if config_path() or not (STACK / "state.json").is_file():
        return settings()
    with stack_errors():
        from ordersys.bootstrap import stack
        from ordersys.bootstrap.stack.state import StateFolder

        addresses = stack.addresses(STACK)
        file = StateFolder(path=STACK).read_options().config if addresses else None
    return _read(file, addresses).settings


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end on the fastest loop there is."""
    with expected(), asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(coroutine)


@contextmanager
def expected() -> Iterator[None]:
    """What the domain refuses is wrong use; a server that is away is a check that does not hold."""
    try:
        yield
    except DomainError as error:
        raise (failed if error.kind is Kind.TRANSIENT else refused)(error.detail) from None


@contextmanager
def stack_errors() -> Iterator[None]:
    try:
        from ordersys.bootstrap.stack import StackError
    except ModuleNotFoundError as error:
        raise refused(f"{error.name} is missing: pip install 'ordersys[embedded]'") from None
    try:
        yield
    except StackError as error:
        raise _told(str(error), error.exit_code) from None


def _read(path: Path | None, addresses: Mapping[str, str]) -> Loaded[Settings]:
    try:
        return read(path, os.environ, stack=addresses)
    except ConfigError as error:
        raise refused(str(error)) from None


def _told(text: str, exit_code: int) -> Exit:
    """A plain line instead of click's panel: whoever searches the output for a key's path must find it unbroken."""
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

    `ordersys up` starts everything on this machine; `ordersys COMMAND --help` explains a command.
    """
