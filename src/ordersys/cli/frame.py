"""Shared by all commands: common options, settings, and errors without a traceback."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import rich_click as click
from click.exceptions import Exit

from ordersys import __version__
from ordersys.config import ConfigError, Loaded, Settings, read
from ordersys.domain.shared.errors import DomainError, Kind

if TYPE_CHECKING:
    from ordersys.bootstrap.extension import Extension, Host

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
ShowProgress = Callable[[str, int, int], None]
"""Called with (phase, done, total)."""
STACK_NOTE: Final = (
    "While `ordersys up` runs in this folder, its servers and its configuration file are used. "
    "`--config PATH` and environment variables (`ORDERSYS__SECTION__KEY`) take precedence."
)

click.rich_click.TEXT_MARKUP = "markdown"
click.rich_click.MAX_WIDTH = 110


class RunningStack(NamedTuple):
    """A stack that runs in this folder: its addresses as environment names, and the file it was started with."""

    addresses: Mapping[str, str]
    config: Path | None


def _no_stack() -> RunningStack | None:
    return None


def _not_extended(_: "Host") -> "Extension":
    from ordersys.bootstrap.extension import Extension

    return Extension()


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What the program's top adds to the product: commands, an extension of the roles, a stack in this folder."""

    commands: Sequence[click.Command] = ()
    extend: "Callable[[Host], Extension]" = _not_extended
    running_stack: Callable[[], RunningStack | None] = _no_stack


def additions() -> Additions:
    context = click.get_current_context(silent=True)
    return (context and context.find_object(Additions)) or Additions()


def failed(text: str) -> Exit:
    """Returns the exception for a failed command or check (exit code 1)."""
    return exit_with(text, 1)


def refused(text: str) -> Exit:
    """Returns the exception for wrong usage or configuration (exit code 2)."""
    return exit_with(text, 2)


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
    stack = None if config_path() else additions().running_stack()
    return _read(stack.config, stack.addresses).settings if stack else settings()


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


def _read(path: Path | None, addresses: Mapping[str, str]) -> Loaded[Settings]:
    try:
        return read(path, os.environ, stack=addresses)
    except ConfigError as error:
        raise refused(str(error)) from None


def exit_with(text: str, exit_code: int) -> Exit:
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
