import io
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
import structlog

from ordersys import __version__
from ordersys.config import LogSettings, Secret
from ordersys.domain.shared.errors import Unavailable
from ordersys.infrastructure.telemetry import logs
from ordersys.infrastructure.telemetry.loops import LoopLog


@pytest.fixture
def output() -> Iterator[io.BytesIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.BytesIO()
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(output: io.BytesIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in output.getvalue().splitlines()]


def configure(output: io.BytesIO, settings: LogSettings | None = None) -> Any:
    logs.configure("ordersys-worker", settings or LogSettings(), instance="worker-2", stream=output)
    return structlog.get_logger()


def test_a_line_has_the_fields_of_the_common_schema(output: io.BytesIO) -> None:
    order_id = UUID(int=5)

    configure(output).info("placed", action="order.placed", order_id=order_id, trace_id="t", span_id="s", seats=2)

    line = lines(output)[0]
    assert line.pop("@timestamp").endswith("Z")
    assert line == {
        "log.level": "info",
        "message": "placed",
        "ecs.version": logs.ECS_VERSION,
        "service.name": "ordersys-worker",
        "service.version": __version__,
        "service.node.name": "worker-2",
        "event.action": "order.placed",
        "order.id": str(order_id),
        "trace.id": "t",
        "span.id": "s",
        "ordersys.seats": 2,
    }


def test_what_is_bound_to_the_context_is_in_every_line(output: io.BytesIO) -> None:
    log = configure(output)

    with structlog.contextvars.bound_contextvars(trace_id="t1"):
        log.info("inside")
    log.info("outside")

    assert [line.get("trace.id") for line in lines(output)] == ["t1", None]


@pytest.mark.parametrize("how", ["exception", "exc_info=True", "exc_info=error"])
def test_an_error_has_type_message_and_stack(output: io.BytesIO, how: str) -> None:
    log = configure(output)

    try:
        raise ValueError("no seats")
    except ValueError as error:
        if how == "exception":
            log.exception("failed")
        else:
            log.error("failed", exc_info=error if how.endswith("error") else True)

    line = lines(output)[0]
    assert (line["log.level"], line["error.type"], line["error.message"]) == ("error", "ValueError", "no seats")
    assert 'raise ValueError("no seats")' in line["error.stack_trace"]


def test_a_line_break_in_a_value_does_not_forge_a_line(output: io.BytesIO) -> None:
    configure(output).info("user said\n{}\r\n", customer='x\n{"log.level":"error"}')

    assert len(lines(output)) == 1


def test_secrets_stay_hidden_and_unknown_types_do_not_break_the_call(output: io.BytesIO) -> None:
    configure(output).info(
        "odd \ud800", password=Secret("hunter2"), thing=object(), big=2**80, lone="\udfff", none=None
    )

    text = output.getvalue().decode()
    assert "hunter2" not in text
    assert "odd \\ud800" in lines(output)[0]["message"]
    assert "ordersys.none" not in lines(output)[0]


def test_libraries_speak_through_the_same_output_from_warning_on(output: io.BytesIO) -> None:
    configure(output)

    logging.getLogger("asyncio").info("quiet")
    logging.getLogger("uvicorn.error").warning("closing %d connections", 3)

    assert [(line["message"], line["log.logger"]) for line in lines(output)] == [
        ("closing 3 connections", "uvicorn.error")
    ]


def test_libraries_are_heard_at_info_when_we_debug(output: io.BytesIO) -> None:
    configure(output, LogSettings(level="debug"))

    logging.getLogger("litestar").info("heard")
    logging.getLogger("litestar").debug("not heard")

    assert [line["message"] for line in lines(output)] == ["heard"]


def test_an_odd_level_of_a_library_is_no_error(output: io.BytesIO) -> None:
    configure(output)

    logging.getLogger("library").log(37, "between warning and error")

    assert lines(output)[0]["log.level"] == "warning"


def test_below_the_level_nothing_is_written(output: io.BytesIO) -> None:
    log = configure(output, LogSettings(level="warning"))

    log.info("no")
    log.warning("yes")

    assert [line["message"] for line in lines(output)] == ["yes"]


def test_the_console_format_is_for_people_and_shows_no_variables(output: io.BytesIO) -> None:
    log = configure(output, LogSettings(format="console"))

    try:
        password = "hunter2"
        raise ValueError(len(password))
    except ValueError:
        log.exception("failed", order_id="o-1")

    text = output.getvalue().decode()
    assert "failed" in text
    assert "order_id=o-1" in text
    assert "password = 'hunter2'" not in text


def test_a_loop_that_waits_says_so_once_and_says_when_it_is_back(output: io.BytesIO) -> None:
    configure(output)
    watch = LoopLog()

    watch.unavailable("relay", Unavailable("postgres"))
    assert watch.lost_loops == {"relay"}
    watch.recovered("relay")

    assert [line["message"] for line in lines(output)] == [
        "relay is blocked: postgres cannot be reached",
        "relay recovered",
    ]
    assert not watch.lost_loops
