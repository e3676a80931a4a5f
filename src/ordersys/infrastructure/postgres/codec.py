"""Views, events and causes as JSON: the shapes are the dataclasses themselves."""

from dataclasses import asdict
from typing import Any, TypeVar

import msgspec

from ordersys.messaging.envelope import Cause

T = TypeVar("T")


def to_json(value: Any) -> str:
    """`value`: anything msgspec knows; dataclasses, UUIDs and datetimes among them."""
    return msgspec.json.encode(value).decode()


def from_json(text: str, shape: type[T]) -> T:
    return msgspec.json.decode(text, type=shape)


def cause_to_json(cause: Cause, *, source: str = "") -> str:
    return to_json({**asdict(cause), "source": source})


def headers_from(text: str) -> tuple[Cause, str]:
    """The cause and the source in what `cause_to_json` made."""
    headers = from_json(text, dict[str, str])
    source = headers.pop("source", "")
    return Cause(**headers), source
