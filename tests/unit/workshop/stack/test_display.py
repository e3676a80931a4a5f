from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from ordersys.workshop.stack.display import Display, summary, table
from ordersys.workshop.stack.state import StackState
from ordersys.workshop.stack.supervision.children import ChildState

API = ChildState(name="api", kind="role", phase="ready", pid=7, address="http://127.0.0.1:8081", restarts=1)


def stack(*services: ChildState) -> StackState:
    return StackState(phase="starting", pid=1, identity="one", services=services)


def fetching(count: int) -> ChildState:
    detail = f"downloading Apache Kafka: {count} of 45 files"
    return ChildState(name="kafka", kind="server", phase="preparing", detail=detail)


@pytest.fixture
def out() -> StringIO:
    return StringIO()


def test_without_a_terminal_a_line_tells_each_step_once(out: StringIO) -> None:
    with Display(Console(file=out)) as display:
        for count in (0, 1, 2):
            display.show(stack(fetching(count), ChildState(name="api", kind="role")))
        display.show(stack(ChildState(name="kafka", kind="server", phase="ready")))
    assert out.getvalue() == "kafka: preparing downloading Apache Kafka\nkafka: ready\n"


def test_a_terminal_sees_how_far_it_is(out: StringIO) -> None:
    with Display(Console(file=out, force_terminal=True, width=100)) as display:
        display.show(stack(fetching(17)))
    assert "17 of 45 files" in out.getvalue()


def test_the_table_shows_restarts_and_addresses() -> None:
    head, row = table([API]).splitlines()
    assert head.split() == ["NAME", "KIND", "PID", "STATE", "RESTARTS", "ADDRESS"]
    assert row.split() == ["api", "role", "7", "ready", "1", "http://127.0.0.1:8081"]


def test_the_summary_tells_where_the_page_is_or_why_there_is_none(out: StringIO) -> None:
    page = ChildState(name="page", kind="page", phase="ready", address="http://127.0.0.1:5174", vital=False)
    summary(stack(API, page), Console(file=out, soft_wrap=True))
    summary(replace(stack(API), no_page="it is not built"), Console(file=out, soft_wrap=True))
    summary(stack(API, replace(page, phase="failed")), Console(file=out, soft_wrap=True))
    lines = [line for line in out.getvalue().splitlines() if "web page" in line]

    assert lines == [
        "The web page: http://127.0.0.1:5174",
        "No web page: it is not built.",
        "No web page: it could not be started; `ordersys logs page` says more.",
    ]


def test_the_summary_has_an_example_with_the_address_that_was_chosen(out: StringIO) -> None:
    summary(stack(API), Console(file=out, soft_wrap=True))
    text = out.getvalue()
    assert "curl -s http://127.0.0.1:8081/orders" in text
    assert "token --user alice" in text
    assert "Idempotency-Key" in text
