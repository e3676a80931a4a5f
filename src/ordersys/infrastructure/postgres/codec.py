"""JSON encoding of views, events and causes; the dataclasses define the shapes."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto  # type: ignore[import-untyped]  # it has no stubs

from ordersys.messaging.envelope import Cause, Copy, Delivery

T = TypeVar("T")
ERROR_LENGTH: Final = 2000
# PostgreSQL's text type has no NUL. In header values, decoded as latin-1, the first non-latin-1 character replaces it.
NUL: Final = "\u0100"
NO_NUL: Final = "\ufffd"
_read_cause: Final = msgspec.json.Decoder(Cause).decode


def read_uuid(text: str) -> UUID:
    """Returns a UUID of the driver's own type, which is parsed, hashed and sent several times faster.

    Raises ValueError.
    """
    return cast(UUID, pgproto.UUID(text))


def to_json(value: Any) -> str:
    """Encodes any value that msgspec supports: dataclasses, UUIDs, datetimes."""
    return msgspec.json.encode(value).decode()


def from_json(text: str, shape: type[T]) -> T:
    return msgspec.json.decode(text, type=shape)


def cause_to_json(cause: Cause, *, source: str = "", copy: Copy | None = None) -> str:
    """Encodes a cause as the headers of an outbox row.

    A copied record may contain bytes that PostgreSQL cannot store as text, so its parts are base64 in nested JSON.
    """
    headers = {
        "correlation_id": cause.correlation_id,
        "causation_id": cause.causation_id,
        "traceparent": cause.traceparent,
        "source": source,
    }
    if copy is not None:
        headers["copy"] = to_json(copy)
    return to_json(headers)


def cause_from(text: str) -> Cause:
    """Decodes the cause from the output of `cause_to_json`."""
    return _read_cause(text)


def copy_from(text: str) -> Copy | None:
    """Decodes the copied record from the output of `cause_to_json`, if there is one."""
    copy = from_json(text, dict[str, str]).get("copy")
    return None if copy is None else from_json(copy, Copy)


def headers_to_json(headers: Mapping[str, bytes]) -> str:
    """Encodes the headers of a record. Values are arbitrary bytes, and latin-1 preserves each byte."""
    return to_json(
        {name.replace("\0", NO_NUL): value.decode("latin-1").replace("\0", NUL) for name, value in headers.items()}
    )


def delivered_from(row: Any) -> Delivery:
    """Returns the delivery in a row with the columns of a record; `headers` as text."""
    headers = from_json(row.headers, dict[str, str])
    return Delivery(
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        key=row.key,
        value=row.value,
        headers={name: value.replace(NUL, "\0").encode("latin-1", "replace") for name, value in headers.items()},
    )


def error_to_text(error: str) -> str:
    return error[:ERROR_LENGTH].replace("\0", NO_NUL)
