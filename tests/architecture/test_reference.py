"""docs/reference names every part of the public interface, and no metric or event that does not exist."""

import re
from collections.abc import Iterator

import pytest
from rich_click import Group

from ordersys.__main__ import cli
from ordersys.config.settings import ROLE_PORTS
from ordersys.domain.shared.event import Event
from ordersys.entrypoint.consumers.subscriptions import SUBSCRIPTIONS
from ordersys.entrypoint.http.problem import CODES
from ordersys.entrypoint.http.refusals import REFUSALS
from ordersys.infrastructure.gateways.simulator import BEHAVIOURS
from ordersys.infrastructure.telemetry.metrics import Metrics
from ordersys.messaging.topics import STREAMS
from ordersys.workshop.http import document
from tests.architecture.places import ROOT


def reference(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text()


def routes() -> Iterator[str]:
    for path, methods in document()["paths"].items():
        yield from (f"`{method.upper()} {path}" for method in methods)


def codes() -> Iterator[str]:
    yield from (f"`{code}`" for known in REFUSALS.values() for code in known)
    yield from (f"`{code}`" for code in CODES.values())


def commands() -> Iterator[str]:
    for name, command in cli.commands.items():
        below = command.commands if isinstance(command, Group) else {}
        yield from [f"`ordersys {name} {verb}" for verb in below] or [f"`ordersys {name}"]


def metrics() -> set[str]:
    exposition = Metrics().render()[0].decode()
    return set(re.findall(r"^# TYPE (ordersys_\w+)", exposition, re.MULTILINE))


def event_types() -> set[str]:
    return {event.TYPE for event in Event.__subclasses__()}


@pytest.mark.parametrize(
    ("page", "parts"),
    [
        ("http", {*routes(), *codes(), *(f"`{method}`" for method in BEHAVIOURS)}),
        ("cli", set(commands())),
        ("events", {f"`ordersys.{stream}`" for stream in STREAMS} | event_types() | set(SUBSCRIPTIONS)),
        ("metrics", metrics() | {f"{role} {port}" for role, port in ROLE_PORTS.items()}),
    ],
    ids=["http", "cli", "events", "metrics"],
)
def test_reference_names_the_whole_public_interface(page: str, parts: set[str]) -> None:
    text = reference(page)
    assert parts
    assert {part for part in parts if part not in text} == set()


def test_reference_names_no_unknown_metric_or_event() -> None:
    assert set(re.findall(r"ordersys_\w+", reference("metrics"))) <= metrics()
    assert set(re.findall(r"ordersys\.[A-Z]\w+\.v\d+", reference("events"))) <= event_types()
