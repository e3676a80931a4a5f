"""What `up` and `status` show: a live table on a terminal, a line per change elsewhere, and how to go on from there."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ordersys.workshop.stack.state import StackState
from ordersys.workshop.stack.supervision.children import ChildState

_MARKS = {"ready": "[green]✓[/]", "done": "[green]✓[/]", "failed": "[red]✗[/]", "waiting": "[dim]·[/]"}
_EXAMPLE = """\
Try it (paste the lines as they are):
  TOKEN=$({ordersys} token --user alice)
  FLIGHT=$(curl -s '{api}/flights?from=SVO&to=LED&date={day}' | grep -oE '"id":"[^"]+"' | head -1 | cut -d'"' -f4)
  ORDER=$(curl -s {api}/orders -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s)" \\
    -H 'Content-Type: application/json' -d '{{"items":[{{"flight_id":"'$FLIGHT'","seats":1}}]}}' \\
    | grep -oE '"id":"[^"]+"' | head -1 | cut -d'"' -f4)
  until curl -s {api}/orders/$ORDER -H "Authorization: Bearer $TOKEN" | grep -oE '"status":"[A-Z_]+"' | head -1 \\
    | tee /dev/stderr | grep -qE 'COMPLETED|CANCELLED'; do sleep 0.05; done
  curl -s {api}/orders/$ORDER/workflow -H "Authorization: Bearer $TOKEN" | {python} -m json.tool
"""


class Display:
    """Progress of a start."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, state: StackState) -> None:
        if self._console.is_terminal:
            self._live.update(progress(state.services))
            return
        for service in state.services:
            self._say(service)

    def _say(self, service: ChildState) -> None:
        """Counting details ("3 of 45 files") are for terminals; here a line says only what is new in kind."""
        counting = service.phase == "preparing"
        text = f"{service.phase} {service.detail.partition(':')[0] if counting else service.detail}".rstrip()
        if service.phase == "waiting" or self._said.get(service.name) == text:
            return
        self._said[service.name] = text
        self._console.print(f"{service.name}: {text}", highlight=False, markup=False)


def progress(services: Sequence[ChildState]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for service in services:
        mark = _MARKS.get(service.phase, "[yellow]…[/]")
        grid.add_row(mark, service.name, service.detail or service.phase)
    return grid


def table(services: Sequence[ChildState]) -> str:
    """As plain text in columns: it is also read through pipes."""
    rows = [("NAME", "KIND", "PID", "STATE", "RESTARTS", "ADDRESS")]
    for service in services:
        state = f"{service.phase} ({service.detail})" if service.detail else service.phase
        rows.append(
            (service.name, service.kind, str(service.pid or "-"), state, str(service.restarts), service.address)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def summary(state: StackState, console: Console | None = None) -> None:
    """Where everything is, and a first order to paste."""
    out = console or Console(soft_wrap=True)
    shown = [service for service in state.services if service.kind != "job"]
    out.print(table(shown), highlight=False, markup=False)
    api = next((service.address for service in shown if service.name == "api"), "")
    if api:
        day = (datetime.now(UTC) + timedelta(days=3)).date()
        out.print(
            "\n" + _EXAMPLE.format(api=api, day=day, ordersys=_program(), python=_program("python")),
            highlight=False,
            markup=False,
        )
    for line in page_line(shown, state.no_page):
        out.print(line, highlight=False, markup=False)
    out.print(f"Stop it with `{_program()} down`; `status` and `logs` show what it does.", highlight=False)


def page_line(services: Sequence[ChildState], no_page: str) -> Iterator[str]:
    """Where the web page is, or why there is none."""
    page = next((service for service in services if service.kind == "page"), None)
    if page and page.settled and not page.ready:
        yield "No web page: it could not be started; `ordersys logs page` says more."
    elif page:
        yield f"The web page: {page.address}"
    elif no_page:
        yield f"No web page: {no_page}."


def _program(name: str = "ordersys") -> str:
    """As the reader can type it from here."""
    program = Path(sys.executable).with_name(name)
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)
