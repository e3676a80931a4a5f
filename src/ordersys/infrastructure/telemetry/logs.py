"""Structured logs: one JSON object with ECS fields per line, or readable lines for a console.

Fields of the Elastic Common Schema keep their names; all others get the prefix `ordersys.`, so they never collide with
the schema. JSON escapes line breaks, so a value cannot forge a line.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from ordersys import __version__
from ordersys.config import LogSettings

ECS_VERSION: Final = "9.2.0"
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
FIELDS: Final = {
    "action": "event.action",
    "order_id": "order.id",
    "trace_id": "trace.id",
    "span_id": "span.id",
    "logger": "log.logger",
}
LIBRARIES_AT_DEBUG: Final = logging.INFO

log = structlog.get_logger()


def configure(service: str, settings: LogSettings, *, instance: str = "", stream: BinaryIO | None = None) -> None:
    """Configures structlog and the standard library's logging for the whole process. May be called again.

    `instance`: name of this process among those of its role. `stream`: standard output by default.
    """
    level = LEVELS[settings.level]
    output = stream or sys.stdout.buffer
    render: _Console | _Ecs = _Console(output) if settings.format == "console" else _Ecs(service, instance or service)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(output),
        # A cached logger would keep the first stream and level.
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(level)


class _Ecs:
    """Renders an event as a line of JSON. Never raises: a log call must not break the work that it reports."""

    def __init__(self, service: str, instance: str) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=repr)
        self._service = {
            "ecs.version": ECS_VERSION,
            "service.name": service,
            "service.version": __version__,
            "service.node.name": instance,
        }

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        record: dict[str, Any] = {
            "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "log.level": "error" if method == "exception" else method,
            "message": event.pop("event", ""),
            **self._service,
            **_error_fields(event.pop("exc_info", None)),
        }
        for name, value in event.items():
            if value is not None:
                record[FIELDS.get(name) or f"ordersys.{name}"] = value
        try:
            return self._encoder.encode(record)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return self._encoder.encode({key: _tame(value) for key, value in record.items()})


class _Console:
    def __init__(self, output: BinaryIO) -> None:
        self._stamp = structlog.processors.TimeStamper("%H:%M:%S", utc=False)
        self._render = structlog.dev.ConsoleRenderer(
            colors=output.isatty(),
            # The rich one would print local variables, secrets included.
            exception_formatter=structlog.dev.plain_traceback,
        )

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        event["level"] = "error" if method == "exception" else method
        text = self._render(logger, method, self._stamp(logger, method, event))
        return text.encode(errors="backslashreplace")


def _tame(value: Any) -> str:
    """Returns text that can always be encoded: lone surrogates are escaped."""
    text = value if isinstance(value, str) else ascii(value)
    return text.encode(errors="backslashreplace").decode()


def _error_fields(info: Any) -> Mapping[str, str]:
    """`info`, as in exc_info: an error, a sys.exc_info() triple, True (the current error), or None."""
    error = info[1] if isinstance(info, tuple) else info
    if error and not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if not error:
        return {}
    return {
        "error.type": type(error).__qualname__,
        "error.message": str(error),
        "error.stack_trace": "".join(traceback.format_exception(error)),
    }


class _IntoStructlog(logging.Handler):
    """Forwards records of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = min(record.levelno // 10 * 10, logging.CRITICAL)
            log.log(level, record.getMessage(), logger=record.name, exc_info=record.exc_info)
        except Exception:  # noqa: BLE001  # the contract of logging.Handler: report on stderr, never raise
            self.handleError(record)


def _route_standard_logging(level: int) -> None:
    """Libraries log at warning and above, or at info if our level is debug."""
    root = logging.getLogger()
    root.handlers[:] = [_IntoStructlog()]
    root.setLevel(LIBRARIES_AT_DEBUG if level == logging.DEBUG else max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
