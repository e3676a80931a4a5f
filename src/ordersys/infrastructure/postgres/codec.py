"""Views, events and causes as JSON: the shapes are the dataclasses themselves."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto  # type: ignore[import-untyped]  # it has no stubs

from ordersys.messaging.envelope import Cause, Copy, Delivery

T = TypeVar("T")
ERROR_LENGTH: Final = 2000
# PostgreSQL's text has no NUL. In a header's value, read as latin-1, the first letter beyond latin-1 stands for it.
NUL: Final = "\u0100"
NO_NUL: Final = "\ufffd"
_read_cause: Final = msgspec.json.Decoder(Cause).decode


def read_uuid(text: str) -> UUID:
    """A UUID of the driver's own kind, as its rows have them: it is read, hashed and sent several times as fast. Raises
    ValueError.
    """
    return cast(UUID, pgproto.UUID(text))


def to_json(value: Any) -> str:
    """`value`: anything msgspec knows; dataclasses, UUIDs and datetimes among them."""
    return msgspec.json.encode(value).decode()


def from_json(text: str, shape: type[T]) -> T:
    return msgspec.json.decode(text, type=shape)


def cause_to_json(cause: Cause, *, source: str = "", copy: Copy | None = None) -> str:
    """What PostgreSQL cannot hold as text, a copied record may have: its parts are base64 in a JSON text of their
    own.
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
    """The cause in what `cause_to_json` made."""
    return _read_cause(text)


def copy_from(text: str) -> Copy | None:
    """The copied record in what `cause_to_json` made."""
    copy = from_json(text, dict[str, str]).get("copy")
    return None if copy is None else from_json(copy, Copy)


def headers_to_json(headers: Mapping[str, bytes]) -> str:
    """A record's headers; their values are bytes of anyone's making, and latin-1 keeps each byte."""
    return to_json(
        {name.replace("\0", NO_NUL): value.decode("latin-1").replace("\0", NUL) for name, value in headers.items()}
    )


def delivered_from(row: Any) -> Delivery:
    """`row` has a record's columns, `headers` as text."""
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
